// adder_tree: the sum of COUNT operands by a balanced tree of two-input adders.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     ceil(ceil(log2(COUNT)) / LEVELS_PER_STAGE) cycles: a register behind every LEVELS_PER_STAGE levels of adders
//             and behind the last one (0 when COUNT is 1: the operand passes through)
//
// Operand i stands in bits [i*WIDTH +: WIDTH]. Sums grow by a bit a level, up to SUM_BITS; beyond that they wrap around
// modulo 2**SUM_BITS.
`default_nettype none

module adder_tree #(
    parameter int unsigned COUNT            = 8,
    parameter int unsigned WIDTH            = 4,
    parameter bit          IS_SIGNED        = 0,
    parameter int unsigned SUM_BITS         = 7,
    parameter int unsigned LEVELS_PER_STAGE = 2
) (
    input  wire logic                   clk,
    input  wire logic                   enable,
    input  wire logic [COUNT*WIDTH-1:0] operands,
    output      logic [SUM_BITS-1:0]    sum
);

  if (COUNT == 0 || WIDTH == 0 || LEVELS_PER_STAGE == 0 || SUM_BITS < WIDTH) begin : gen_illegal
    $error("adder_tree: COUNT, WIDTH and LEVELS_PER_STAGE must be positive, SUM_BITS >= WIDTH");
  end

  localparam int unsigned LEVELS = COUNT > 1 ? $clog2(COUNT) : 0;

  for (genvar level = 0; level <= LEVELS; level++) begin : gen_level
    localparam int unsigned NODES = (COUNT + (1 << level) - 1) >> level;
    localparam int unsigned BITS = WIDTH + level < SUM_BITS ? WIDTH + level : SUM_BITS;

    logic [NODES*BITS-1:0] nodes;

    if (level == 0) begin : gen_operands
      assign nodes = operands;
    end else begin : gen_adders
      localparam int unsigned BELOW = WIDTH + level - 1 < SUM_BITS ? WIDTH + level - 1 : SUM_BITS;

      // The nodes of the level below, and a zero where their number is odd.
      logic [2*NODES*BELOW-1:0] pairs;
      logic [NODES*BITS-1:0]    sums;

      assign pairs = (2 * NODES * BELOW)'(gen_level[level-1].nodes);

      for (genvar n = 0; n < NODES; n++) begin : gen_node
        logic [BELOW-1:0] left, right;

        assign left  = pairs[2*n*BELOW+:BELOW];
        assign right = pairs[(2*n+1)*BELOW+:BELOW];
        assign sums[n*BITS+:BITS] =
            BITS'({IS_SIGNED & left[BELOW-1], left}) + BITS'({IS_SIGNED & right[BELOW-1], right});
      end

      if (level % LEVELS_PER_STAGE == 0 || level == LEVELS) begin : gen_register
        always_ff @(posedge clk) begin
          if (enable) begin
            nodes <= sums;
          end
        end
      end else begin : gen_wires
        assign nodes = sums;
      end
    end
  end

  if (IS_SIGNED) begin : gen_signed
    assign sum = SUM_BITS'($signed(gen_level[LEVELS].nodes));
  end else begin : gen_unsigned
    assign sum = SUM_BITS'(gen_level[LEVELS].nodes);
  end

endmodule

`default_nettype wire
