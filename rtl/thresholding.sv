// thresholding: y = BASE + the number of thresholds of its channel that x reaches, PE channels a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. PE lanes a beat; beat i of a
//             pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 beat a cycle
// Latency     SEARCH ? LEVELS + 1 : 3 cycles
//
// Values are compared as offset binary (a signed x has its top bit inverted), so thresholds are unsigned: x counts a
// threshold when it is >=, or where STRICT when it is >. FOLDS is the number of beats a pixel, or 1 where all beats have the
// same thresholds.
//
// SEARCH = 0  all COUNT thresholds at once. THRESHOLDS_FILE holds FOLDS words, field p of a word the thresholds of lane p,
//             the least in the low bits.
// SEARCH = 1  binary search over COUNT = 2**LEVELS - 1 thresholds. LEVEL_l_FILE holds FOLDS << l words, field p of word
//             (fold << l) + f the threshold of lane p to compare with once f has been found.
// DESCENDING  DESCENDING_FILE holds FOLDS words of PE flags: where 1, ~x is compared instead of x.
`default_nettype none

module thresholding #(
    parameter int unsigned PE              = 2,
    parameter int unsigned FOLDS           = 1,
    parameter int unsigned COUNT           = 3,
    parameter int unsigned INPUT_BITS      = 8,
    parameter bit          INPUT_SIGNED    = 1,
    parameter int unsigned THRESHOLD_BITS  = 8,
    parameter bit          STRICT          = 0,
    parameter int unsigned OUTPUT_BITS     = 2,
    parameter int          BASE            = 0,
    parameter bit          SEARCH          = 0,
    parameter bit          DESCENDING      = 0,
    parameter              RAM_STYLE       = "auto",
    parameter              THRESHOLDS_FILE = "",
    parameter              LEVEL_0_FILE    = "",
    parameter              LEVEL_1_FILE    = "",
    parameter              LEVEL_2_FILE    = "",
    parameter              LEVEL_3_FILE    = "",
    parameter              LEVEL_4_FILE    = "",
    parameter              LEVEL_5_FILE    = "",
    parameter              LEVEL_6_FILE    = "",
    parameter              LEVEL_7_FILE    = "",
    parameter              DESCENDING_FILE = ""
) (
    input  wire logic                      clk,
    input  wire logic                      rst,
    input  wire logic [PE*INPUT_BITS-1:0]  s_axis_tdata,
    input  wire logic                      s_axis_tvalid,
    output      logic                      s_axis_tready,
    output      logic [PE*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                      m_axis_tvalid,
    input  wire logic                      m_axis_tready
);

  localparam int unsigned LEVELS = $clog2(COUNT + 1);
  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  // Cycles from the step to the result at the input of the output slice.
  localparam int unsigned STAGES = SEARCH ? LEVELS : 2;

  if (PE == 0 || FOLDS == 0 || COUNT == 0) begin : gen_illegal_size
    $error("thresholding: PE, FOLDS and COUNT must be at least 1");
  end
  if (SEARCH && COUNT != (1 << LEVELS) - 1) begin : gen_illegal_count
    $error("thresholding: a binary search needs 2**n - 1 thresholds");
  end

  // Everything moves when the output has room.
  logic enable, slice_ready, step;

  assign s_axis_tready = enable;
  assign step          = enable && s_axis_tvalid;

  // Which thresholds.
  logic [FOLD_BITS-1:0] fold;

  if (FOLDS > 1) begin : gen_fold
    always_ff @(posedge clk) begin
      if (rst) begin
        fold <= '0;
      end else if (step) begin
        fold <= fold == FOLD_BITS'(FOLDS - 1) ? '0 : fold + 1'b1;
      end
    end
  end else begin : gen_no_fold
    assign fold = '0;
  end

  // Operands: stage 1.
  logic [PE*INPUT_BITS-1:0] values;
  logic [PE-1:0]            descending;
  logic [STAGES:1]          valid;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= STAGES'({valid, step});
    end
    if (enable) begin
      values <= s_axis_tdata;
    end
  end

  if (DESCENDING) begin : gen_descending
    rom #(
        .WIDTH(PE),
        .DEPTH(FOLDS),
        .RAM_STYLE("distributed"),
        .FILE(DESCENDING_FILE)
    ) flags (
        .clk(clk),
        .enable(enable),
        .address(fold),
        .data(descending)
    );
  end else begin : gen_ascending
    assign descending = '0;
  end

  // Offset binary, turned round where the channel descends.
  logic [PE*INPUT_BITS-1:0] codes;

  always_comb begin
    for (int lane = 0; lane < PE; lane++) begin
      codes[lane*INPUT_BITS+:INPUT_BITS] = values[lane*INPUT_BITS+:INPUT_BITS] ^ {INPUT_BITS{descending[lane]}};
      codes[(lane+1)*INPUT_BITS-1] ^= INPUT_SIGNED;
    end
  end

  // Comparison: at once, or down the levels of a tree.
  logic [PE*LEVELS-1:0] counts;

  if (SEARCH) begin : gen_search
    // The fold that enters each level.
    logic [LEVELS*FOLD_BITS-1:0] folds, folds_before;

    assign folds = (LEVELS * FOLD_BITS)'({folds_before, fold});

    always_ff @(posedge clk) begin
      if (enable) begin
        folds_before <= folds;
      end
    end

    for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
      threshold_search #(
          .LEVELS(LEVELS),
          .FOLDS(FOLDS),
          .LANES(PE),
          .LANE(lane),
          .VALUE_BITS(INPUT_BITS),
          .THRESHOLD_BITS(THRESHOLD_BITS),
          .STRICT(STRICT),
          .RAM_STYLE(RAM_STYLE),
          .LEVEL_0_FILE(LEVEL_0_FILE),
          .LEVEL_1_FILE(LEVEL_1_FILE),
          .LEVEL_2_FILE(LEVEL_2_FILE),
          .LEVEL_3_FILE(LEVEL_3_FILE),
          .LEVEL_4_FILE(LEVEL_4_FILE),
          .LEVEL_5_FILE(LEVEL_5_FILE),
          .LEVEL_6_FILE(LEVEL_6_FILE),
          .LEVEL_7_FILE(LEVEL_7_FILE)
      ) search (
          .clk(clk),
          .enable(enable),
          .folds(folds),
          .value(codes[lane*INPUT_BITS+:INPUT_BITS]),
          .count(counts[lane*LEVELS+:LEVELS])
      );
    end
  end else begin : gen_parallel
    logic [PE*COUNT*THRESHOLD_BITS-1:0] thresholds;

    rom #(
        .WIDTH(PE * COUNT * THRESHOLD_BITS),
        .DEPTH(FOLDS),
        .RAM_STYLE(RAM_STYLE),
        .FILE(THRESHOLDS_FILE)
    ) threshold_memory (
        .clk(clk),
        .enable(enable),
        .address(fold),
        .data(thresholds)
    );

    for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
      threshold_count #(
          .COUNT(COUNT),
          .VALUE_BITS(INPUT_BITS),
          .THRESHOLD_BITS(THRESHOLD_BITS),
          .STRICT(STRICT),
          .RESULT_BITS(LEVELS)
      ) comparison (
          .clk(clk),
          .enable(enable),
          .value(codes[lane*INPUT_BITS+:INPUT_BITS]),
          .thresholds(thresholds[lane*COUNT*THRESHOLD_BITS+:COUNT*THRESHOLD_BITS]),
          .result(counts[lane*LEVELS+:LEVELS])
      );
    end
  end

  // Output.
  logic [PE*OUTPUT_BITS-1:0] results;

  always_comb begin
    for (int lane = 0; lane < PE; lane++) begin
      results[lane*OUTPUT_BITS+:OUTPUT_BITS] = OUTPUT_BITS'(counts[lane*LEVELS+:LEVELS]) + OUTPUT_BITS'(BASE);
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid[STAGES];

  skid_buffer #(
      .WIDTH(PE * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(results),
      .s_axis_tvalid(valid[STAGES]),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
