// dot_product: sum over SIMD lanes of weight times input, pipelined.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 product a cycle
// Latency     1 + ceil(ceil(log2(SIMD)) / 2) cycles: products, then a tree with a register behind every two levels
//
// Lane i of `inputs` and `weights` stands in bits [i*BITS +: BITS]. The sum wraps around modulo 2**SUM_BITS.
//
// BIPOLAR     weights are one bit, 1 for +1 and 0 for -1. Where it is 0 the lane adds ~x, which is -x - 1 for a signed x and
//             2**INPUT_BITS - 1 - x for an unsigned x (for one bit: XNOR); the constant is left to the caller.
// USE_DSP     passed to the synthesis tool for the products: yes, no or auto.
`default_nettype none

module dot_product #(
    parameter int unsigned SIMD          = 4,
    parameter int unsigned INPUT_BITS    = 4,
    parameter bit          INPUT_SIGNED  = 0,
    parameter int unsigned WEIGHT_BITS   = 4,
    parameter bit          WEIGHT_SIGNED = 1,
    parameter bit          BIPOLAR       = 0,
    parameter int unsigned SUM_BITS      = 10,
    parameter              USE_DSP       = "auto"
) (
    input  wire logic                        clk,
    input  wire logic                        enable,
    input  wire logic [SIMD*INPUT_BITS-1:0]  inputs,
    input  wire logic [SIMD*WEIGHT_BITS-1:0] weights,
    output      logic [SUM_BITS-1:0]         sum
);

  if (BIPOLAR && WEIGHT_BITS != 1) begin : gen_illegal
    $error("dot_product: bipolar weights have WEIGHT_BITS 1");
  end

  // A factor of one bit that is 0 or 1 does not widen the product.
  localparam bit INPUT_FLAG = INPUT_BITS == 1 && !INPUT_SIGNED;
  localparam bit WEIGHT_FLAG = WEIGHT_BITS == 1 && !WEIGHT_SIGNED;
  localparam bit IS_SIGNED = INPUT_SIGNED || (WEIGHT_SIGNED && !BIPOLAR);
  localparam int unsigned FULL_BITS = BIPOLAR || WEIGHT_FLAG ? INPUT_BITS : INPUT_FLAG ? WEIGHT_BITS : INPUT_BITS + WEIGHT_BITS;
  localparam int unsigned PRODUCT_BITS = FULL_BITS < SUM_BITS ? FULL_BITS : SUM_BITS;

  logic [SIMD*PRODUCT_BITS-1:0] products;

  for (genvar lane = 0; lane < SIMD; lane++) begin : gen_lane
    logic [INPUT_BITS-1:0]  x;
    logic [WEIGHT_BITS-1:0] w;

    assign x = inputs[lane*INPUT_BITS+:INPUT_BITS];
    assign w = weights[lane*WEIGHT_BITS+:WEIGHT_BITS];

    if (BIPOLAR) begin : gen_bipolar
      always_ff @(posedge clk) begin
        if (enable) begin
          products[lane*PRODUCT_BITS+:PRODUCT_BITS] <= PRODUCT_BITS'(x ^ {INPUT_BITS{~w}});
        end
      end
    end else begin : gen_product
      logic signed [PRODUCT_BITS-1:0] x_wide, w_wide;
      (* use_dsp = USE_DSP *)
      logic signed [PRODUCT_BITS-1:0] product;

      assign x_wide  = PRODUCT_BITS'($signed({INPUT_SIGNED & x[INPUT_BITS-1], x}));
      assign w_wide  = PRODUCT_BITS'($signed({WEIGHT_SIGNED & w[WEIGHT_BITS-1], w}));
      assign product = x_wide * w_wide;

      always_ff @(posedge clk) begin
        if (enable) begin
          products[lane*PRODUCT_BITS+:PRODUCT_BITS] <= product;
        end
      end
    end
  end

  adder_tree #(
      .COUNT(SIMD),
      .WIDTH(PRODUCT_BITS),
      .IS_SIGNED(IS_SIGNED),
      .SUM_BITS(SUM_BITS),
      .LEVELS_PER_STAGE(2)
  ) tree (
      .clk(clk),
      .enable(enable),
      .operands(products),
      .sum(sum)
  );

endmodule

`default_nettype wire
