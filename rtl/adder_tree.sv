// adder_tree: the sum of COUNT operands by a balanced tree of two-input adders.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     ceil(ceil(log2(COUNT)) / 2) cycles: a register behind every two levels of adders and behind the last one
//             (0 when COUNT is 1: the operand passes through)
//
// Operand k stands in bits [k*WIDTH +: WIDTH]. WEIGHTED: it counts 2**k times. LAST_NEGATIVE: the last one is subtracted, as
// the sign bit of a two's complement number; there must be at least two, then. Sums grow as they need to, up to SUM_BITS;
// beyond that they wrap around.
`default_nettype none

module adder_tree #(
    parameter int unsigned COUNT         = 8,
    parameter int unsigned WIDTH         = 4,
    parameter bit          IS_SIGNED     = 0,
    parameter bit          WEIGHTED      = 0,
    parameter bit          LAST_NEGATIVE = 0,
    parameter int unsigned SUM_BITS      = 7
) (
    input  wire logic                   clk,
    input  wire logic                   enable,
    input  wire logic [COUNT*WIDTH-1:0] operands,
    output      logic [SUM_BITS-1:0]    sum
);

  if (COUNT == 0 || WIDTH == 0 || SUM_BITS < WIDTH) begin : gen_illegal
    $error("adder_tree: COUNT and WIDTH must be at least 1, SUM_BITS at least WIDTH");
  end
  if (LAST_NEGATIVE && COUNT == 1) begin : gen_illegal_sign
    $error("adder_tree: a single operand cannot be subtracted");
  end

  localparam int unsigned LEVELS = COUNT > 1 ? $clog2(COUNT) : 0;

  // Nodes of a level, and their width.
  function automatic int unsigned nodes_of(input int unsigned level);
    nodes_of = (COUNT + (1 << level) - 1) >> level;
  endfunction

  function automatic int unsigned bits_of(input int unsigned level);
    bits_of = WEIGHTED && level > 0 ? WIDTH + (1 << level) : WIDTH + level;
    bits_of = bits_of < SUM_BITS ? bits_of : SUM_BITS;
  endfunction

  // Whether the last node of a level is still to be subtracted: it has met no other yet.
  function automatic bit pending(input int unsigned level);
    pending = LAST_NEGATIVE && (COUNT - 1) % (1 << level) == 0;
  endfunction

  for (genvar level = 0; level <= LEVELS; level++) begin : gen_level
    localparam int unsigned NODES = nodes_of(level);
    localparam int unsigned BITS = bits_of(level);

    logic [NODES*BITS-1:0] nodes;

    if (level == 0) begin : gen_operands
      assign nodes = operands;
    end else begin : gen_adders
      localparam int unsigned BELOW = nodes_of(level - 1);
      localparam int unsigned WIDTH_BELOW = bits_of(level - 1);
      localparam int unsigned SHIFT = WEIGHTED ? 1 << (level - 1) : 0;

      logic [NODES*BITS-1:0] sums;

      for (genvar n = 0; n < NODES; n++) begin : gen_node
        // Only the last node can be the sum of a subtraction, and so signed without the operands being that.
        localparam bit LAST = 2 * n + 1 >= BELOW - 1;
        localparam bit SIGNED_LAST = IS_SIGNED || LAST && LAST_NEGATIVE && !pending(level - 1);

        logic [WIDTH_BELOW-1:0] left;
        logic [BITS-1:0]        left_wide;

        assign left = gen_level[level-1].nodes[2*n*WIDTH_BELOW+:WIDTH_BELOW];

        if (2 * n + 1 < BELOW) begin : gen_pair
          logic [WIDTH_BELOW-1:0] right;
          logic [BITS-1:0]        right_wide;

          assign right = gen_level[level-1].nodes[(2*n+1)*WIDTH_BELOW+:WIDTH_BELOW];
          assign left_wide = BITS'($signed({IS_SIGNED & left[WIDTH_BELOW-1], left}));
          assign right_wide = BITS'($signed({SIGNED_LAST & right[WIDTH_BELOW-1], right})) << SHIFT;
          assign sums[n*BITS+:BITS] = LAST && pending(level - 1) ? left_wide - right_wide : left_wide + right_wide;
        end else begin : gen_alone
          assign left_wide = BITS'($signed({SIGNED_LAST & left[WIDTH_BELOW-1], left}));
          assign sums[n*BITS+:BITS] = left_wide;
        end
      end

      if (level % 2 == 0 || level == LEVELS) begin : gen_register
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

  if (IS_SIGNED || LAST_NEGATIVE) begin : gen_signed
    assign sum = SUM_BITS'($signed(gen_level[LEVELS].nodes));
  end else begin : gen_unsigned
    assign sum = SUM_BITS'(gen_level[LEVELS].nodes);
  end

endmodule

`default_nettype wire
