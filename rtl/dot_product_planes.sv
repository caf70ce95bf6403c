// dot_product_planes: sum over SIMD lanes of weight times input, bit plane by bit plane.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     popcount(SIMD) + tree(INPUT_BITS) + tree(WEIGHT_BITS) cycles, where popcount(n) is 1 for n <= 3 and else
//             3 + ceil(ceil(log2(ceil(n / 18))) / 2), and tree(n) = ceil(ceil(log2(n)) / 2)
//
// Operands come as bit planes: bit b of lane i is bit b*SIMD + i. For every pair of planes the bits of their AND, or XNOR
// where BIPOLAR, are counted, and the counts summed with the weights of the pairs. The sum wraps around modulo 2**SUM_BITS.
//
// BIPOLAR     weights are one bit, 1 for +1 and 0 for -1. Where it is 0 the lane adds ~x, which is -x - 1 for a signed x and
//             2**INPUT_BITS - 1 - x for an unsigned x; the caller makes up for that.
`default_nettype none

module dot_product_planes #(
    parameter int unsigned SIMD          = 4,
    parameter int unsigned INPUT_BITS    = 2,
    parameter bit          INPUT_SIGNED  = 0,
    parameter int unsigned WEIGHT_BITS   = 2,
    parameter bit          WEIGHT_SIGNED = 1,
    parameter bit          BIPOLAR       = 0,
    parameter int unsigned SUM_BITS      = 10
) (
    input  wire logic                        clk,
    input  wire logic                        enable,
    input  wire logic [SIMD*INPUT_BITS-1:0]  inputs,
    input  wire logic [SIMD*WEIGHT_BITS-1:0] weights,
    output      logic [SUM_BITS-1:0]         sum
);

  if (BIPOLAR && (WEIGHT_BITS != 1 || WEIGHT_SIGNED)) begin : gen_illegal_bipolar
    $error("dot_product_planes: bipolar weights are one unsigned bit");
  end
  if (INPUT_SIGNED && INPUT_BITS == 1 || WEIGHT_SIGNED && WEIGHT_BITS == 1) begin : gen_illegal_sign
    $error("dot_product_planes: signed operands have at least two bits");
  end

  localparam int unsigned COUNT_BITS = $clog2(SIMD + 1);
  localparam int unsigned PLANE_BITS = COUNT_BITS + (INPUT_BITS > 1 ? INPUT_BITS : 0);
  localparam int unsigned FULL_BITS = PLANE_BITS + (WEIGHT_BITS > 1 ? WEIGHT_BITS : 0);

  logic [WEIGHT_BITS*PLANE_BITS-1:0] planes;
  logic [FULL_BITS-1:0]              full;

  for (genvar w = 0; w < WEIGHT_BITS; w++) begin : gen_weight
    logic [INPUT_BITS*COUNT_BITS-1:0] counts;

    for (genvar x = 0; x < INPUT_BITS; x++) begin : gen_input
      logic [SIMD-1:0] weight, bits;

      assign weight = weights[w*SIMD+:SIMD];
      assign bits = BIPOLAR ? ~(weight ^ inputs[x*SIMD+:SIMD]) : weight & inputs[x*SIMD+:SIMD];

      popcount #(
          .COUNT(SIMD)
      ) counter (
          .clk(clk),
          .enable(enable),
          .bits(bits),
          .result(counts[x*COUNT_BITS+:COUNT_BITS])
      );
    end

    adder_tree #(
        .COUNT(INPUT_BITS),
        .WIDTH(COUNT_BITS),
        .WEIGHTED(1),
        .LAST_NEGATIVE(INPUT_SIGNED),
        .SUM_BITS(PLANE_BITS)
    ) input_tree (
        .clk(clk),
        .enable(enable),
        .operands(counts),
        .sum(planes[w*PLANE_BITS+:PLANE_BITS])
    );
  end

  adder_tree #(
      .COUNT(WEIGHT_BITS),
      .WIDTH(PLANE_BITS),
      .IS_SIGNED(INPUT_SIGNED),
      .WEIGHTED(1),
      .LAST_NEGATIVE(WEIGHT_SIGNED),
      .SUM_BITS(FULL_BITS)
  ) weight_tree (
      .clk(clk),
      .enable(enable),
      .operands(planes),
      .sum(full)
  );

  if (INPUT_SIGNED || WEIGHT_SIGNED) begin : gen_signed
    assign sum = SUM_BITS'($signed(full));
  end else begin : gen_unsigned
    assign sum = SUM_BITS'(full);
  end

endmodule

`default_nettype wire
