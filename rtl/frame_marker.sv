// frame_marker: adds tlast to the last of every BEATS beats.
//
// Handshake   AXI-Stream; data, valid and ready pass straight through
// Interval    1 beat a cycle
// Latency     0 cycles
`default_nettype none

module frame_marker #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned BEATS = 1
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic [WIDTH-1:0] s_axis_tdata,
    input  wire logic             s_axis_tvalid,
    output      logic             s_axis_tready,
    output      logic [WIDTH-1:0] m_axis_tdata,
    output      logic             m_axis_tvalid,
    output      logic             m_axis_tlast,
    input  wire logic             m_axis_tready
);

  if (WIDTH == 0 || BEATS == 0) begin : gen_illegal
    $error("frame_marker: WIDTH and BEATS must be at least 1");
  end

  assign m_axis_tdata  = s_axis_tdata;
  assign m_axis_tvalid = s_axis_tvalid;
  assign s_axis_tready = m_axis_tready;

  if (BEATS <= 1) begin : gen_single

    wire logic unused = &{1'b0, clk, rst};
    assign m_axis_tlast = 1'b1;

  end else begin : gen_count

    localparam int unsigned COUNT_BITS = $clog2(BEATS);
    localparam logic [COUNT_BITS-1:0] LAST = COUNT_BITS'(BEATS - 1);

    logic [COUNT_BITS-1:0] beat;

    assign m_axis_tlast = beat == LAST;

    always_ff @(posedge clk) begin
      if (rst) begin
        beat <= '0;
      end else if (m_axis_tvalid && m_axis_tready) begin
        beat <= m_axis_tlast ? '0 : beat + 1'b1;
      end
    end

  end

endmodule

`default_nettype wire
