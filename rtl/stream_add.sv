// stream_add: y = A * a + B * b, element by element, of two streams that move in step.
//
// Handshake   AXI-Stream; input 0 (a) is the low part of s_axis_tdata and bit 0 of s_axis_tvalid and s_axis_tready, input 1
//             (b) the rest. Each input is taken into a slice of two beats when it comes; the sum waits for both. Neither
//             s_axis_tready nor m_axis_tvalid depends on an input of the same cycle.
// Interval    1 beat a cycle
// Latency     3 cycles, 4 where A or B is neither 0 nor plus or minus a power of two
//
// A product with a factor is a sum of shifted operands, one for each digit of the factor that is not zero. Digits are -1, 0
// and 1, no two of them that are not zero next to each other.
`default_nettype none

module stream_add #(
    parameter int unsigned LANES       = 2,
    parameter int unsigned A_BITS      = 4,
    parameter bit          A_SIGNED    = 1'b0,
    parameter int          A           = 1,
    parameter int unsigned B_BITS      = 4,
    parameter bit          B_SIGNED    = 1'b0,
    parameter int          B           = 1,
    parameter int unsigned OUTPUT_BITS = 5
) (
    input  wire logic                             clk,
    input  wire logic                             rst,
    input  wire logic [LANES*(A_BITS+B_BITS)-1:0] s_axis_tdata,
    input  wire logic [1:0]                       s_axis_tvalid,
    output      logic [1:0]                       s_axis_tready,
    output      logic [LANES*OUTPUT_BITS-1:0]     m_axis_tdata,
    output      logic                             m_axis_tvalid,
    input  wire logic                             m_axis_tready
);

  if (LANES == 0 || A_BITS == 0 || B_BITS == 0 || OUTPUT_BITS == 0) begin : gen_illegal
    $error("stream_add: LANES, A_BITS, B_BITS and OUTPUT_BITS must be at least 1");
  end

  // Each input waits in a slice of its own, so that no valid leads to the other input's ready.
  logic [LANES*A_BITS-1:0] a_data;
  logic [LANES*B_BITS-1:0] b_data;
  logic                    a_valid, b_valid, enable, slice_ready, step;

  assign step = enable && a_valid && b_valid;

  skid_buffer #(
      .WIDTH(LANES * A_BITS)
  ) slice_a (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[LANES*A_BITS-1:0]),
      .s_axis_tvalid(s_axis_tvalid[0]),
      .s_axis_tready(s_axis_tready[0]),
      .m_axis_tdata(a_data),
      .m_axis_tvalid(a_valid),
      .m_axis_tready(step)
  );

  skid_buffer #(
      .WIDTH(LANES * B_BITS)
  ) slice_b (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[LANES*(A_BITS+B_BITS)-1:LANES*A_BITS]),
      .s_axis_tvalid(s_axis_tvalid[1]),
      .s_axis_tready(s_axis_tready[1]),
      .m_axis_tdata(b_data),
      .m_axis_tvalid(b_valid),
      .m_axis_tready(step)
  );

  // Digits of the factors: bit k of UP and DOWN for +2**k and -2**k.
  localparam int unsigned DIGITS = 34;
  localparam logic signed [DIGITS-1:0] A_ONCE = DIGITS'(A);
  localparam logic signed [DIGITS-1:0] B_ONCE = DIGITS'(B);
  localparam logic signed [DIGITS-1:0] A_THRICE = A_ONCE + (A_ONCE <<< 1);
  localparam logic signed [DIGITS-1:0] B_THRICE = B_ONCE + (B_ONCE <<< 1);
  localparam logic [DIGITS-1:0] A_UP = (A_THRICE & ~A_ONCE) >> 1;
  localparam logic [DIGITS-1:0] A_DOWN = (A_ONCE & ~A_THRICE) >> 1;
  localparam logic [DIGITS-1:0] B_UP = (B_THRICE & ~B_ONCE) >> 1;
  localparam logic [DIGITS-1:0] B_DOWN = (B_ONCE & ~B_THRICE) >> 1;
  localparam bit SCALED = $countones(A_UP | A_DOWN) > 1 || $countones(B_UP | B_DOWN) > 1;

  logic [LANES*OUTPUT_BITS-1:0] sums;
  logic                         operands, valid;

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    logic [A_BITS-1:0]      a;
    logic [B_BITS-1:0]      b;
    logic [OUTPUT_BITS-1:0] a_wide, b_wide, a_product, b_product, a_term, b_term;

    assign a      = a_data[lane*A_BITS+:A_BITS];
    assign b      = b_data[lane*B_BITS+:B_BITS];
    assign a_wide = OUTPUT_BITS'($signed({A_SIGNED & a[A_BITS-1], a}));
    assign b_wide = OUTPUT_BITS'($signed({B_SIGNED & b[B_BITS-1], b}));

    always_comb begin
      a_product = '0;
      b_product = '0;
      for (int k = 0; k < DIGITS; k++) begin
        if (A_UP[k]) a_product = a_product + (a_wide << k);
        if (A_DOWN[k]) a_product = a_product - (a_wide << k);
        if (B_UP[k]) b_product = b_product + (b_wide << k);
        if (B_DOWN[k]) b_product = b_product - (b_wide << k);
      end
    end

    if (SCALED) begin : gen_scaled
      always_ff @(posedge clk) begin
        if (enable) begin
          a_term <= a_product;
          b_term <= b_product;
        end
      end
    end else begin : gen_plain
      assign a_term = a_product;
      assign b_term = b_product;
    end

    always_ff @(posedge clk) begin
      if (enable) begin
        sums[lane*OUTPUT_BITS+:OUTPUT_BITS] <= a_term + b_term;
      end
    end
  end

  if (SCALED) begin : gen_operands
    always_ff @(posedge clk) begin
      if (rst) begin
        operands <= 1'b0;
      end else if (enable) begin
        operands <= step;
      end
    end
  end else begin : gen_no_operands
    assign operands = step;
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= 1'b0;
    end else if (enable) begin
      valid <= operands;
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid;

  skid_buffer #(
      .WIDTH(LANES * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(sums),
      .s_axis_tvalid(valid),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
