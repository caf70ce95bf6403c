// processing_element: one row of a matrix-vector product, SIMD columns a cycle.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     that of the dot product, plus 1 where ACCUMULATE
//
// PLANES chooses dot_product_planes, and with it the order of the operands' bits, or else dot_product_products.
//
// `valid`, `first` and `initial_value` belong to the sum that leaves the dot product: a valid sum is added to the accumulator,
// which starts anew from `initial_value` where `first` is high. Without ACCUMULATE the sum itself is the result. Bits above
// ACCUMULATOR_BITS are dropped at once, so a final sum that fits is right whatever its partial sums were.
`default_nettype none

module processing_element #(
    parameter int unsigned SIMD             = 4,
    parameter int unsigned INPUT_BITS       = 4,
    parameter bit          INPUT_SIGNED     = 0,
    parameter int unsigned WEIGHT_BITS      = 4,
    parameter bit          WEIGHT_SIGNED    = 1,
    parameter bit          BIPOLAR          = 0,
    parameter bit          PLANES           = 0,
    parameter bit          USE_DSP          = 0,
    parameter int unsigned ACCUMULATOR_BITS = 12,
    parameter bit          ACCUMULATE       = 1
) (
    input  wire logic                        clk,
    input  wire logic                        enable,
    input  wire logic [SIMD*INPUT_BITS-1:0]  inputs,
    input  wire logic [SIMD*WEIGHT_BITS-1:0] weights,
    input  wire logic                        valid,
    input  wire logic                        first,
    input  wire logic [ACCUMULATOR_BITS-1:0] initial_value,
    output      logic [ACCUMULATOR_BITS-1:0] result
);

  if (USE_DSP && (BIPOLAR || PLANES)) begin : gen_illegal
    $error("processing_element: bipolar weights and PLANES have no multipliers for USE_DSP");
  end

  logic [ACCUMULATOR_BITS-1:0] sum;

  if (PLANES) begin : gen_planes
    dot_product_planes #(
        .SIMD(SIMD),
        .INPUT_BITS(INPUT_BITS),
        .INPUT_SIGNED(INPUT_SIGNED),
        .WEIGHT_BITS(WEIGHT_BITS),
        .WEIGHT_SIGNED(WEIGHT_SIGNED),
        .BIPOLAR(BIPOLAR),
        .SUM_BITS(ACCUMULATOR_BITS)
    ) dot (
        .clk(clk),
        .enable(enable),
        .inputs(inputs),
        .weights(weights),
        .sum(sum)
    );
  end else begin : gen_products
    dot_product_products #(
        .SIMD(SIMD),
        .INPUT_BITS(INPUT_BITS),
        .INPUT_SIGNED(INPUT_SIGNED),
        .WEIGHT_BITS(WEIGHT_BITS),
        .WEIGHT_SIGNED(WEIGHT_SIGNED),
        .BIPOLAR(BIPOLAR),
        .SUM_BITS(ACCUMULATOR_BITS),
        .USE_DSP(USE_DSP)
    ) dot (
        .clk(clk),
        .enable(enable),
        .inputs(inputs),
        .weights(weights),
        .sum(sum)
    );
  end

  if (ACCUMULATE) begin : gen_accumulator
    always_ff @(posedge clk) begin
      if (enable && valid) begin
        result <= (first ? initial_value : result) + sum;
      end
    end
  end else begin : gen_sum
    assign result = sum;
  end

endmodule

`default_nettype wire
