// dot_product_dsp: sum over SIMD lanes of weight times input, with a multiplier a lane.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     1 + ceil(ceil(log2(SIMD)) / 2) cycles: products, then a tree with a register behind every two levels
//
// Lane i of an operand stands in bits [i*BITS +: BITS]. The sum wraps around modulo 2**SUM_BITS.
`default_nettype none

module dot_product_dsp #(
    parameter int unsigned SIMD          = 4,
    parameter int unsigned INPUT_BITS    = 8,
    parameter bit          INPUT_SIGNED  = 0,
    parameter int unsigned WEIGHT_BITS   = 8,
    parameter bit          WEIGHT_SIGNED = 1,
    parameter int unsigned SUM_BITS      = 18
) (
    input  wire logic                        clk,
    input  wire logic                        enable,
    input  wire logic [SIMD*INPUT_BITS-1:0]  inputs,
    input  wire logic [SIMD*WEIGHT_BITS-1:0] weights,
    output      logic [SUM_BITS-1:0]         sum
);

  localparam int unsigned FULL_BITS = INPUT_BITS + WEIGHT_BITS;
  localparam int unsigned PRODUCT_BITS = FULL_BITS < SUM_BITS ? FULL_BITS : SUM_BITS;

  logic [SIMD*PRODUCT_BITS-1:0] products;

  for (genvar lane = 0; lane < SIMD; lane++) begin : gen_lane
    logic [INPUT_BITS-1:0]  x;
    logic [WEIGHT_BITS-1:0] w;
    logic signed [PRODUCT_BITS-1:0] x_wide, w_wide;
    (* use_dsp = "yes" *)
    logic signed [PRODUCT_BITS-1:0] product;

    assign x      = inputs[lane*INPUT_BITS+:INPUT_BITS];
    assign w      = weights[lane*WEIGHT_BITS+:WEIGHT_BITS];
    assign x_wide = PRODUCT_BITS'($signed({INPUT_SIGNED & x[INPUT_BITS-1], x}));
    assign w_wide = PRODUCT_BITS'($signed({WEIGHT_SIGNED & w[WEIGHT_BITS-1], w}));

    always_ff @(posedge clk) begin
      if (enable) begin
        product <= x_wide * w_wide;
      end
    end

    assign products[lane*PRODUCT_BITS+:PRODUCT_BITS] = product;
  end

  adder_tree #(
      .COUNT(SIMD),
      .WIDTH(PRODUCT_BITS),
      .IS_SIGNED(INPUT_SIGNED || WEIGHT_SIGNED),
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
