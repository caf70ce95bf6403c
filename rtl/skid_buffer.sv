// skid_buffer: a register slice that cuts both paths of a stream.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting. Neither m_axis_tvalid nor
//             s_axis_tready depends on an input of the same cycle.
// Interval    1 beat a cycle
// Latency     1 cycle
`default_nettype none

module skid_buffer #(
    parameter int unsigned WIDTH = 8
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic [WIDTH-1:0] s_axis_tdata,
    input  wire logic             s_axis_tvalid,
    output      logic             s_axis_tready,
    output      logic [WIDTH-1:0] m_axis_tdata,
    output      logic             m_axis_tvalid,
    input  wire logic             m_axis_tready
);

  if (WIDTH == 0) begin : gen_illegal
    $error("skid_buffer: WIDTH must be at least 1");
  end

  // The beat that arrived in the cycle in which the output stalled.
  logic [WIDTH-1:0] spare_data;
  logic             spare_valid;

  assign s_axis_tready = !spare_valid;

  always_ff @(posedge clk) begin
    if (m_axis_tready || !m_axis_tvalid) begin
      m_axis_tdata <= spare_valid ? spare_data : s_axis_tdata;
    end
    if (s_axis_tready) begin
      spare_data <= s_axis_tdata;
    end
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      spare_valid   <= 1'b0;
    end else begin
      if (m_axis_tready || !m_axis_tvalid) begin
        m_axis_tvalid <= spare_valid || s_axis_tvalid;
        spare_valid   <= 1'b0;
      end else if (s_axis_tvalid && s_axis_tready) begin
        spare_valid <= 1'b1;
      end
    end
  end

endmodule

`default_nettype wire
