// dot_product_lut: sum over SIMD lanes of weight times input, bit by bit in LUTs.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     LAYERS + 1 cycles, those of compressor_tree
//
// Operands come as bit planes: bit b of lane i is bit b*SIMD + i. The gates of every pair of planes, AND, or XNOR where
// BIPOLAR, are counted with the weight of the pair. Sign bits weigh negatively: such a product enters inverted, and a constant
// makes up for it. The sum wraps around modulo 2**SUM_BITS.
//
// BIPOLAR     weights are one bit, 1 for +1 and 0 for -1. Where it is 0 the lane adds ~x, which is -x - 1 for a signed x and
//             2**INPUT_BITS - 1 - x for an unsigned x; the caller makes up for that.
`default_nettype none

module dot_product_lut #(
    parameter int unsigned SIMD          = 4,
    parameter int unsigned INPUT_BITS    = 2,
    parameter bit          INPUT_SIGNED  = 0,
    parameter int unsigned WEIGHT_BITS   = 2,
    parameter bit          WEIGHT_SIGNED = 1,
    parameter bit          BIPOLAR       = 0,
    parameter int unsigned SUM_BITS      = 10,
    parameter int unsigned LAYERS        = 2
) (
    input  wire logic                        clk,
    input  wire logic                        enable,
    input  wire logic [SIMD*INPUT_BITS-1:0]  inputs,
    input  wire logic [SIMD*WEIGHT_BITS-1:0] weights,
    output      logic [SUM_BITS-1:0]         sum
);

  if (SIMD == 0 || SIMD > 4096) begin : gen_illegal_simd
    $error("dot_product_lut: SIMD must be 1 to 4096");
  end
  if (BIPOLAR && WEIGHT_BITS != 1) begin : gen_illegal_bipolar
    $error("dot_product_lut: bipolar weights have WEIGHT_BITS 1");
  end

  localparam bit NEGATIVE_WEIGHTS = WEIGHT_SIGNED && !BIPOLAR;
  localparam bit IS_SIGNED = INPUT_SIGNED || NEGATIVE_WEIGHTS;

  // Bits of the exact sum: those of a product and of the number of lanes. A factor 0 or 1 does not widen a product.
  localparam bit INPUT_FLAG = INPUT_BITS == 1 && !INPUT_SIGNED;
  localparam bit WEIGHT_FLAG = WEIGHT_BITS == 1 && !NEGATIVE_WEIGHTS;
  localparam int unsigned PRODUCT_BITS = WEIGHT_FLAG ? INPUT_BITS : INPUT_FLAG ? WEIGHT_BITS : INPUT_BITS + WEIGHT_BITS;
  localparam int unsigned LANE_BITS = INPUT_FLAG && WEIGHT_FLAG ? $clog2(SIMD + 1) - 1 : $clog2(SIMD);
  localparam int unsigned EXACT_BITS = PRODUCT_BITS + LANE_BITS;
  localparam int unsigned COLUMNS = EXACT_BITS < SUM_BITS ? EXACT_BITS : SUM_BITS;

  // Whether bit w of a weight times bit x of an input counts negatively.
  function automatic bit negative(input int w, input int x);
    negative = (NEGATIVE_WEIGHTS && w == WEIGHT_BITS - 1) != (INPUT_SIGNED && x == INPUT_BITS - 1);
  endfunction

  // What makes up for the inverted products: -1 for each, with its weight.
  function automatic bit [COLUMNS-1:0] compensation();
    compensation = '0;
    for (int w = 0; w < WEIGHT_BITS; w++) begin
      for (int x = 0; x < INPUT_BITS; x++) begin
        if (negative(w, x)) begin
          compensation = compensation - (COLUMNS'(SIMD) << (w + x));
        end
      end
    end
  endfunction

  localparam bit [COLUMNS-1:0] COMPENSATION = compensation();

  // The least bit of a weight in column c, and how many pairs of planes meet there.
  function automatic int least(input int c);
    least = c < INPUT_BITS ? 0 : c - int'(INPUT_BITS) + 1;
  endfunction

  function automatic int pairs(input int c);
    pairs = (c < WEIGHT_BITS ? c : int'(WEIGHT_BITS) - 1) - least(c) + 1;
    pairs = pairs > 0 ? pairs : 0;
  endfunction

  function automatic int height(input int c);
    height = pairs(c) * int'(SIMD) + (COMPENSATION[c] ? 1 : 0);
  endfunction

  // Bits in the columns below column c.
  function automatic int offset(input int c);
    offset = 0;
    for (int k = 0; k < c; k++) begin
      offset = offset + height(k);
    end
  endfunction

  function automatic bit [COLUMNS*16-1:0] heights();
    for (int c = 0; c < COLUMNS; c++) begin
      heights[c*16+:16] = 16'(height(c));
    end
  endfunction

  localparam int BITS = offset(COLUMNS);

  logic [BITS-1:0]    bits;
  logic [COLUMNS-1:0] exact;

  for (genvar c = 0; c < COLUMNS; c++) begin : gen_column
    for (genvar p = 0; p < pairs(c); p++) begin : gen_pair
      localparam int W = least(c) + p;
      localparam int X = c - W;

      logic [SIMD-1:0] w, x, product;

      assign w       = weights[W*SIMD+:SIMD];
      assign x       = inputs[X*SIMD+:SIMD];
      assign product = BIPOLAR ? ~(w ^ x) : w & x;
      assign bits[offset(c)+p*SIMD+:SIMD] = negative(W, X) ? ~product : product;
    end
    if (COMPENSATION[c]) begin : gen_compensation
      assign bits[offset(c)+pairs(c)*SIMD] = 1'b1;
    end
  end

  compressor_tree #(
      .COLUMNS(COLUMNS),
      .HEIGHTS(heights()),
      .BITS(BITS),
      .LAYERS(LAYERS)
  ) tree (
      .clk(clk),
      .enable(enable),
      .bits(bits),
      .sum(exact)
  );

  if (IS_SIGNED) begin : gen_signed
    assign sum = SUM_BITS'($signed(exact));
  end else begin : gen_unsigned
    assign sum = SUM_BITS'(exact);
  end

endmodule

`default_nettype wire
