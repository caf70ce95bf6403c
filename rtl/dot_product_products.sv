// dot_product_products: sum over SIMD lanes of weight times input, a multiplier a lane.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     1 + ceil(ceil(log2(SIMD)) / 2) cycles: products, then a tree with a register behind every two levels
//
// Lane i of an operand stands in bits [i*BITS +: BITS]. The sum wraps around modulo 2**SUM_BITS. USE_DSP: the product is left
// to the synthesis tool with the wish for a DSP block. Otherwise it is a sum of shifted and gated rows; products of up to 7
// bits, truth tables, are left to the tool as well, but not to Yosys, which takes DSP blocks of some families for them.
//
// BIPOLAR     weights are one bit, 1 for +1 and 0 for -1. Where it is 0 the lane adds ~x, which is -x - 1 for a signed x and
//             2**INPUT_BITS - 1 - x for an unsigned x; the caller makes up for that.
`default_nettype none

module dot_product_products #(
    parameter int unsigned SIMD          = 4,
    parameter int unsigned INPUT_BITS    = 8,
    parameter bit          INPUT_SIGNED  = 0,
    parameter int unsigned WEIGHT_BITS   = 8,
    parameter bit          WEIGHT_SIGNED = 1,
    parameter bit          BIPOLAR       = 0,
    parameter int unsigned SUM_BITS      = 18,
    parameter bit          USE_DSP       = 0
) (
    input  wire logic                        clk,
    input  wire logic                        enable,
    input  wire logic [SIMD*INPUT_BITS-1:0]  inputs,
    input  wire logic [SIMD*WEIGHT_BITS-1:0] weights,
    output      logic [SUM_BITS-1:0]         sum
);

  if (BIPOLAR && (WEIGHT_BITS != 1 || WEIGHT_SIGNED)) begin : gen_illegal_bipolar
    $error("dot_product_products: bipolar weights are one unsigned bit");
  end

  // A factor 0 or 1 does not widen the product.
  localparam bit INPUT_FLAG = INPUT_BITS == 1 && !INPUT_SIGNED;
  localparam bit WEIGHT_FLAG = WEIGHT_BITS == 1 && !WEIGHT_SIGNED;
  localparam int unsigned FULL_BITS = WEIGHT_FLAG ? INPUT_BITS : INPUT_FLAG ? WEIGHT_BITS : INPUT_BITS + WEIGHT_BITS;
  localparam int unsigned PRODUCT_BITS = FULL_BITS < SUM_BITS ? FULL_BITS : SUM_BITS;

  // The factor of fewer bits gates the rows of a product.
  localparam bit SWAP = INPUT_BITS < WEIGHT_BITS;
  localparam int unsigned GATES = SWAP ? INPUT_BITS : WEIGHT_BITS;
  localparam bit GATES_SIGNED = SWAP ? INPUT_SIGNED : WEIGHT_SIGNED;
`ifdef YOSYS
  localparam int unsigned TRUTH_TABLE_BITS = 0;
`else
  localparam int unsigned TRUTH_TABLE_BITS = 7;
`endif
  localparam bit ROWS = !USE_DSP && (GATES == 1 || FULL_BITS > TRUTH_TABLE_BITS);

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
    end else if (ROWS) begin : gen_rows
      logic [PRODUCT_BITS-1:0] row, product;
      logic [GATES-1:0]        gates;

      if (SWAP) begin : gen_swapped
        assign gates = x;
        assign row   = PRODUCT_BITS'($signed({WEIGHT_SIGNED & w[WEIGHT_BITS-1], w}));
      end else begin : gen_straight
        assign gates = w;
        assign row   = PRODUCT_BITS'($signed({INPUT_SIGNED & x[INPUT_BITS-1], x}));
      end

      always_comb begin
        product = '0;
        for (int b = 0; b < GATES; b++) begin
          if (GATES_SIGNED && b == GATES - 1) begin
            product = product - ((gates[b] ? row : '0) << b);
          end else begin
            product = product + ((gates[b] ? row : '0) << b);
          end
        end
      end

      always_ff @(posedge clk) begin
        if (enable) begin
          products[lane*PRODUCT_BITS+:PRODUCT_BITS] <= product;
        end
      end
    end else begin : gen_product
      logic signed [PRODUCT_BITS-1:0] x_wide, w_wide;
      (* use_dsp = USE_DSP ? "yes" : "no" *)
      logic signed [PRODUCT_BITS-1:0] product;

      assign x_wide = PRODUCT_BITS'($signed({INPUT_SIGNED & x[INPUT_BITS-1], x}));
      assign w_wide = PRODUCT_BITS'($signed({WEIGHT_SIGNED & w[WEIGHT_BITS-1], w}));
      assign products[lane*PRODUCT_BITS+:PRODUCT_BITS] = product;

      always_ff @(posedge clk) begin
        if (enable) begin
          product <= x_wide * w_wide;
        end
      end
    end
  end

  adder_tree #(
      .COUNT(SIMD),
      .WIDTH(PRODUCT_BITS),
      .IS_SIGNED(INPUT_SIGNED || WEIGHT_SIGNED),
      .SUM_BITS(SUM_BITS)
  ) tree (
      .clk(clk),
      .enable(enable),
      .operands(products),
      .sum(sum)
  );

endmodule

`default_nettype wire
