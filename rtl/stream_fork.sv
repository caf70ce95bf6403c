// stream_fork: one stream to N outputs, each of which takes a beat when it will.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting. Output k is bit k of m_axis_tvalid and
//             m_axis_tready and bits k*WIDTH up of m_axis_tdata. An output that has taken a beat drops its tvalid until the
//             slowest has taken it, too. Neither m_axis_tvalid nor s_axis_tready depends on an input of the same cycle.
// Interval    1 beat a cycle
// Capacity    2 beats
// Latency     1 cycle
`default_nettype none

module stream_fork #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned N = 2
) (
    input  wire logic               clk,
    input  wire logic               rst,
    input  wire logic [  WIDTH-1:0] s_axis_tdata,
    input  wire logic               s_axis_tvalid,
    output      logic               s_axis_tready,
    output      logic [N*WIDTH-1:0] m_axis_tdata,
    output      logic [      N-1:0] m_axis_tvalid,
    input  wire logic [      N-1:0] m_axis_tready
);

  if (WIDTH == 0) begin : gen_illegal_width
    $error("stream_fork: WIDTH must be at least 1");
  end
  if (N == 0) begin : gen_illegal_n
    $error("stream_fork: N must be at least 1");
  end

  // The beat on the outputs, and the one that arrived in the cycle in which some output stalled.
  logic [WIDTH-1:0] beat, spare;
  logic spare_valid;
  logic [N-1:0] waiting;
  logic done;

  assign waiting = m_axis_tvalid & ~m_axis_tready;
  assign done = waiting == '0;
  assign s_axis_tready = !spare_valid;
  assign m_axis_tdata = {N{beat}};

  always_ff @(posedge clk) begin
    if (done) begin
      beat <= spare_valid ? spare : s_axis_tdata;
    end
    if (s_axis_tready) begin
      spare <= s_axis_tdata;
    end
    if (rst) begin
      m_axis_tvalid <= '0;
      spare_valid   <= 1'b0;
    end else if (done) begin
      m_axis_tvalid <= {N{spare_valid || s_axis_tvalid}};
      spare_valid   <= 1'b0;
    end else begin
      m_axis_tvalid <= waiting;
      spare_valid   <= spare_valid || s_axis_tvalid;
    end
  end

endmodule

`default_nettype wire
