// stream_repeat: each vector of BEATS beats comes out TIMES times, each lane COPIES times side by side.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers
// Interval    BEATS * TIMES cycles a vector. The first BEATS of them take the vector, which is kept and replayed; the next
//             vector's first beat is taken in the cycle after the last step.
// Latency     2 cycles
`default_nettype none

module stream_repeat #(
    parameter int unsigned BITS   = 4,
    parameter int unsigned LANES  = 2,
    parameter int unsigned COPIES = 1,
    parameter int unsigned BEATS  = 3,
    parameter int unsigned TIMES  = 4
) (
    input  wire logic                         clk,
    input  wire logic                         rst,
    input  wire logic [LANES*BITS-1:0]        s_axis_tdata,
    input  wire logic                         s_axis_tvalid,
    output      logic                         s_axis_tready,
    output      logic [LANES*COPIES*BITS-1:0] m_axis_tdata,
    output      logic                         m_axis_tvalid,
    input  wire logic                         m_axis_tready
);

  if (BITS == 0 || LANES == 0 || COPIES == 0 || BEATS == 0 || TIMES == 0) begin : gen_illegal
    $error("stream_repeat: BITS, LANES, COPIES, BEATS and TIMES must be at least 1");
  end

  localparam int unsigned KEPT = TIMES > 1 ? BEATS : 1;
  localparam int unsigned KEPT_BITS = KEPT > 1 ? $clog2(KEPT) : 1;
  localparam int unsigned BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam int unsigned TIME_BITS = TIMES > 1 ? $clog2(TIMES) : 1;

  // Everything moves when the output has room; a step runs when its input is there, too.
  logic enable, slice_ready, step;

  // Control: which beat of which repetition.
  logic [BEAT_BITS-1:0] position;
  logic [TIME_BITS-1:0] repetition;
  logic                 replay, last_beat, last_time;

  assign s_axis_tready = enable && !replay;
  assign step          = enable && (replay || s_axis_tvalid);
  assign last_beat     = position == BEAT_BITS'(BEATS - 1);
  assign last_time     = repetition == TIME_BITS'(TIMES - 1);

  always_ff @(posedge clk) begin
    if (rst) begin
      position   <= '0;
      repetition <= '0;
      replay     <= 1'b0;
    end else if (step) begin
      position <= last_beat ? '0 : position + 1'b1;
      if (last_beat) begin
        repetition <= last_time ? '0 : repetition + 1'b1;
        replay     <= !last_time;
      end
    end
  end

  logic [LANES*BITS-1:0]        data;
  logic [LANES*COPIES*BITS-1:0] copies;
  logic                         valid;

  input_buffer #(
      .WIDTH(LANES * BITS),
      .DEPTH(KEPT)
  ) vector (
      .clk(clk),
      .enable(enable),
      .write(!replay),
      .address(KEPT_BITS'(position)),
      .write_data(s_axis_tdata),
      .data(data)
  );

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    assign copies[lane*COPIES*BITS+:COPIES*BITS] = {COPIES{data[lane*BITS+:BITS]}};
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= 1'b0;
    end else if (enable) begin
      valid <= step;
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid;

  skid_buffer #(
      .WIDTH(LANES * COPIES * BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(copies),
      .s_axis_tvalid(valid),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
