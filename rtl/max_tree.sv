// max_tree: the greatest of COUNT unsigned keys and its index, by a balanced tree of comparisons.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 set of keys a cycle
// Latency     ceil(log2(COUNT)) cycles: a register behind every level
//
// Key i stands in bits [i*WIDTH +: WIDTH]. Of equal keys the one with the least index wins, or where SELECT_LAST the greatest.
`default_nettype none

module max_tree #(
    parameter int unsigned COUNT       = 8,
    parameter int unsigned WIDTH       = 4,
    parameter bit          SELECT_LAST = 0,
    localparam int unsigned INDEX_BITS = COUNT > 1 ? $clog2(COUNT) : 1
) (
    input  wire logic                   clk,
    input  wire logic                   enable,
    input  wire logic [COUNT*WIDTH-1:0] keys,
    output      logic [WIDTH-1:0]       greatest,
    output      logic [INDEX_BITS-1:0]  index
);

  if (COUNT == 0 || WIDTH == 0) begin : gen_illegal
    $error("max_tree: COUNT and WIDTH must be at least 1");
  end

  localparam int unsigned LEVELS = COUNT > 1 ? $clog2(COUNT) : 0;

  // Level l leaves ceil(COUNT / 2**l) candidates, of whose places only the low l bits can differ from 0.
  for (genvar level = 0; level <= LEVELS; level++) begin : gen_level
    localparam int unsigned NODES = (COUNT + (1 << level) - 1) >> level;

    logic [NODES*WIDTH-1:0]      best;
    logic [NODES*INDEX_BITS-1:0] place;

    if (level == 0) begin : gen_keys
      assign best  = keys;
      assign place = '0;
    end else begin : gen_nodes
      localparam int unsigned BELOW = (COUNT + (1 << (level - 1)) - 1) >> (level - 1);

      for (genvar n = 0; n < NODES; n++) begin : gen_node
        // The candidates of the level below; the last one may be alone, and then meets itself.
        localparam int unsigned LEFT = 2 * n;
        localparam int unsigned RIGHT = LEFT + 1 < BELOW ? LEFT + 1 : LEFT;

        logic [WIDTH-1:0]      left, right;
        logic [INDEX_BITS-1:0] left_place, right_place;
        logic                  choice;

        assign left        = gen_level[level-1].best[LEFT*WIDTH+:WIDTH];
        assign right       = gen_level[level-1].best[RIGHT*WIDTH+:WIDTH];
        assign left_place  = gen_level[level-1].place[LEFT*INDEX_BITS+:INDEX_BITS];
        assign right_place = gen_level[level-1].place[RIGHT*INDEX_BITS+:INDEX_BITS];
        assign choice      = RIGHT != LEFT && (SELECT_LAST ? right >= left : right > left);

        always_ff @(posedge clk) begin
          if (enable) begin
            best[n*WIDTH+:WIDTH] <= choice ? right : left;
            place[n*INDEX_BITS+:INDEX_BITS] <=
                choice ? right_place | INDEX_BITS'(1 << (level - 1)) : left_place;
          end
        end
      end
    end
  end

  assign greatest = gen_level[LEVELS].best;
  assign index    = gen_level[LEVELS].place;

endmodule

`default_nettype wire
