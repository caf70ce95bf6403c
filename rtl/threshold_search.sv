// threshold_search: how many of 2**LEVELS - 1 ascending thresholds a value reaches, by binary search.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 value a cycle
// Latency     LEVELS cycles: each reads one level of the search tree and finds one bit of the count, the highest first
//
// The memory of level l holds FOLDS << l words: at {fold, bits found so far} the threshold to compare with. Its words hold
// LANES fields, of which this lane reads field LANE. `folds` gives the fold of the value in each of the LEVELS stages, that
// of the value entering in the low FOLD_BITS, and is zero where FOLDS is 1. `value` belongs to level 0, a cycle after its
// fold. RAM_STYLE holds for the memories of more than 64 words. Value and thresholds are unsigned; a threshold counts when
// value >= threshold, or where STRICT when value > threshold.
`default_nettype none

module threshold_search #(
    parameter int unsigned LEVELS         = 2,
    parameter int unsigned FOLDS          = 1,
    parameter int unsigned LANES          = 1,
    parameter int unsigned LANE           = 0,
    parameter int unsigned VALUE_BITS     = 8,
    parameter int unsigned THRESHOLD_BITS = 8,
    parameter bit          STRICT         = 0,
    parameter              RAM_STYLE      = "auto",
    parameter              LEVEL_0_FILE   = "",
    parameter              LEVEL_1_FILE   = "",
    parameter              LEVEL_2_FILE   = "",
    parameter              LEVEL_3_FILE   = "",
    parameter              LEVEL_4_FILE   = "",
    parameter              LEVEL_5_FILE   = "",
    parameter              LEVEL_6_FILE   = "",
    parameter              LEVEL_7_FILE   = "",
    localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1
) (
    input  wire logic                        clk,
    input  wire logic                        enable,
    input  wire logic [LEVELS*FOLD_BITS-1:0] folds,
    input  wire logic [VALUE_BITS-1:0]       value,
    output      logic [LEVELS-1:0]           count
);

  if (LEVELS == 0 || LEVELS > 8 || THRESHOLD_BITS < VALUE_BITS) begin : gen_illegal
    $error("threshold_search: LEVELS must be 1 to 8 and THRESHOLD_BITS at least VALUE_BITS");
  end

  for (genvar l = 0; l < LEVELS; l++) begin : gen_level
    localparam FILE = l == 0 ? LEVEL_0_FILE : l == 1 ? LEVEL_1_FILE : l == 2 ? LEVEL_2_FILE : l == 3 ? LEVEL_3_FILE :
        l == 4 ? LEVEL_4_FILE : l == 5 ? LEVEL_5_FILE : l == 6 ? LEVEL_6_FILE : LEVEL_7_FILE;
    localparam int unsigned DEPTH = FOLDS << l;
    localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;

    logic [FOLD_BITS-1:0]      fold;
    logic [ADDRESS_BITS-1:0]   address;
    logic [VALUE_BITS-1:0]     compared;
    logic [THRESHOLD_BITS-1:0] wide, threshold;
    logic                      reached;
    logic [l:0]                found;

    assign fold = folds[l*FOLD_BITS+:FOLD_BITS];
    assign wide = THRESHOLD_BITS'(compared);
    assign reached = STRICT ? wide > threshold : wide >= threshold;

    if (l == 0) begin : gen_root
      assign address  = ADDRESS_BITS'(fold);
      assign compared = value;
      assign found    = reached;
    end else begin : gen_node
      logic [l-1:0] above;

      assign address = ADDRESS_BITS'({fold, gen_level[l-1].found});
      assign found   = {above, reached};

      always_ff @(posedge clk) begin
        if (enable) begin
          compared <= gen_level[l-1].compared;
          above    <= gen_level[l-1].found;
        end
      end
    end

    if (DEPTH > 64) begin : gen_deep
      rom #(
          .WIDTH(THRESHOLD_BITS),
          .DEPTH(DEPTH),
          .LANES(LANES),
          .LANE(LANE),
          .RAM_STYLE(RAM_STYLE),
          .FILE(FILE)
      ) thresholds (
          .clk(clk),
          .enable(enable),
          .address(address),
          .data(threshold)
      );
    end else begin : gen_shallow
      rom #(
          .WIDTH(THRESHOLD_BITS),
          .DEPTH(DEPTH),
          .LANES(LANES),
          .LANE(LANE),
          .RAM_STYLE("distributed"),
          .FILE(FILE)
      ) thresholds (
          .clk(clk),
          .enable(enable),
          .address(address),
          .data(threshold)
      );
    end
  end

  assign count = gen_level[LEVELS-1].found;

endmodule

`default_nettype wire
