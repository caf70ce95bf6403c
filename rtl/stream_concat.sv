// stream_concat: the vectors of two streams side by side: one of a, one of b, in turn.
//
// Handshake   AXI-Stream; input 0 (a) is the low part of s_axis_tdata and bit 0 of s_axis_tvalid and s_axis_tready, input 1
//             (b) the rest. Each input is taken into a slice of two beats when it comes. Neither s_axis_tready nor
//             m_axis_tvalid depends on an input of the same cycle.
// Interval    A_BEATS + B_BEATS cycles a vector; 1 cycle if WHOLE
// Latency     2 cycles
//
// A vector of a has A_BEATS beats of A_LANES elements, one of b B_BEATS beats of B_LANES. Beats go one after another, and both
// have the same number of lanes; if WHOLE, both vectors are one beat, and go as one beat, a in the low part. Elements are
// extended to OUTPUT_BITS.
`default_nettype none

module stream_concat #(
    parameter int unsigned A_BEATS     = 2,
    parameter int unsigned A_LANES     = 2,
    parameter int unsigned A_BITS      = 4,
    parameter bit          A_SIGNED    = 1'b0,
    parameter int unsigned B_BEATS     = 3,
    parameter int unsigned B_LANES     = 2,
    parameter int unsigned B_BITS      = 4,
    parameter bit          B_SIGNED    = 1'b0,
    parameter int unsigned OUTPUT_BITS = 5,
    parameter bit          WHOLE       = 1'b0,
    localparam int unsigned A_WIDTH = A_LANES * A_BITS,
    localparam int unsigned B_WIDTH = B_LANES * B_BITS,
    localparam int unsigned LANES = WHOLE ? A_LANES + B_LANES : A_LANES
) (
    input  wire logic                         clk,
    input  wire logic                         rst,
    input  wire logic [A_WIDTH+B_WIDTH-1:0]   s_axis_tdata,
    input  wire logic [1:0]                   s_axis_tvalid,
    output      logic [1:0]                   s_axis_tready,
    output      logic [LANES*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                         m_axis_tvalid,
    input  wire logic                         m_axis_tready
);

  if (A_BEATS == 0 || A_LANES == 0 || A_BITS == 0 || B_BEATS == 0 || B_LANES == 0 || B_BITS == 0) begin : gen_illegal
    $error("stream_concat: beats, lanes and bits must be at least 1");
  end
  if (OUTPUT_BITS < A_BITS || OUTPUT_BITS < B_BITS) begin : gen_illegal_bits
    $error("stream_concat: OUTPUT_BITS must be at least A_BITS and B_BITS");
  end
  if (WHOLE ? A_BEATS != 1 || B_BEATS != 1 : A_LANES != B_LANES) begin : gen_illegal_shape
    $error("stream_concat: both inputs must have one beat a vector if WHOLE, else equal lanes");
  end

  // Each input waits in a slice of its own, so that no valid leads to the other input's ready.
  logic [A_WIDTH-1:0] a_data;
  logic [B_WIDTH-1:0] b_data;
  logic a_valid, b_valid, a_step, b_step, valid, enable, slice_ready;

  skid_buffer #(
      .WIDTH(A_WIDTH)
  ) slice_a (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[A_WIDTH-1:0]),
      .s_axis_tvalid(s_axis_tvalid[0]),
      .s_axis_tready(s_axis_tready[0]),
      .m_axis_tdata(a_data),
      .m_axis_tvalid(a_valid),
      .m_axis_tready(a_step)
  );

  skid_buffer #(
      .WIDTH(B_WIDTH)
  ) slice_b (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[A_WIDTH+B_WIDTH-1:A_WIDTH]),
      .s_axis_tvalid(s_axis_tvalid[1]),
      .s_axis_tready(s_axis_tready[1]),
      .m_axis_tdata(b_data),
      .m_axis_tvalid(b_valid),
      .m_axis_tready(b_step)
  );

  // The elements of both, extended.
  logic [A_LANES*OUTPUT_BITS-1:0] a_wide;
  logic [B_LANES*OUTPUT_BITS-1:0] b_wide;
  logic [LANES*OUTPUT_BITS-1:0]   data;

  for (genvar lane = 0; lane < A_LANES; lane++) begin : gen_a
    logic [A_BITS-1:0] a;
    assign a = a_data[lane*A_BITS+:A_BITS];
    assign a_wide[lane*OUTPUT_BITS+:OUTPUT_BITS] = OUTPUT_BITS'($signed({A_SIGNED & a[A_BITS-1], a}));
  end

  for (genvar lane = 0; lane < B_LANES; lane++) begin : gen_b
    logic [B_BITS-1:0] b;
    assign b = b_data[lane*B_BITS+:B_BITS];
    assign b_wide[lane*OUTPUT_BITS+:OUTPUT_BITS] = OUTPUT_BITS'($signed({B_SIGNED & b[B_BITS-1], b}));
  end

  if (WHOLE) begin : gen_whole
    assign valid  = a_valid && b_valid;
    assign a_step = enable && valid;
    assign b_step = enable && valid;
    assign data   = {b_wide, a_wide};
  end else begin : gen_in_turn
    localparam int unsigned BEATS = A_BEATS + B_BEATS;

    logic [$clog2(BEATS)-1:0] beat;
    logic second;

    assign valid  = second ? b_valid : a_valid;
    assign a_step = enable && !second && a_valid;
    assign b_step = enable && second && b_valid;
    assign data   = second ? b_wide : a_wide;

    always_ff @(posedge clk) begin
      if (rst) begin
        beat   <= '0;
        second <= 1'b0;
      end else if (enable && valid) begin
        beat <= beat == ($clog2(BEATS))'(BEATS - 1) ? '0 : beat + 1'b1;
        if (beat == ($clog2(BEATS))'(A_BEATS - 1)) second <= 1'b1;
        if (beat == ($clog2(BEATS))'(BEATS - 1)) second <= 1'b0;
      end
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid;

  skid_buffer #(
      .WIDTH(LANES * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(data),
      .s_axis_tvalid(valid),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
