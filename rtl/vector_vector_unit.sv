// vector_vector_unit: y[c] = sum over p of w[p,c] * x[p,c] for the POSITIONS pixels p of a window, PE channels a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. A window is POSITIONS pixels of
//             FOLDS beats each; beat i of a pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 beat a cycle in: POSITIONS * FOLDS cycles a window
// Latency     4 cycles, from the beat of the last position
//
// WEIGHTS_FILE holds POSITIONS * FOLDS words, the folds of the first position first: channel lane p stands in bits
// [p*WEIGHT_BITS +: WEIGHT_BITS]. With ALL_ONES there are no weights: the unit adds up. The sums wrap around modulo
// 2**ACCUMULATOR_BITS and wait in a memory of FOLDS words.
`default_nettype none

module vector_vector_unit #(
    parameter int unsigned PE               = 2,
    parameter int unsigned FOLDS            = 3,
    parameter int unsigned POSITIONS        = 9,
    parameter int unsigned INPUT_BITS       = 4,
    parameter bit          INPUT_SIGNED     = 1'b0,
    parameter int unsigned WEIGHT_BITS      = 4,
    parameter bit          WEIGHT_SIGNED    = 1'b1,
    parameter bit          ALL_ONES         = 1'b0,
    parameter int unsigned ACCUMULATOR_BITS = 12,
    parameter bit          USE_DSP          = 1'b0,
    parameter              RAM_STYLE        = "auto",
    parameter              WEIGHTS_FILE     = ""
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    input  wire logic [PE*INPUT_BITS-1:0]       s_axis_tdata,
    input  wire logic                           s_axis_tvalid,
    output      logic                           s_axis_tready,
    output      logic [PE*ACCUMULATOR_BITS-1:0] m_axis_tdata,
    output      logic                           m_axis_tvalid,
    input  wire logic                           m_axis_tready
);

  localparam int unsigned WIDTH = PE * ACCUMULATOR_BITS;
  localparam int unsigned STEPS = POSITIONS * FOLDS;
  localparam int unsigned STEP_BITS = STEPS > 1 ? $clog2(STEPS) : 1;
  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;

  if (PE == 0 || FOLDS == 0 || POSITIONS == 0 || INPUT_BITS == 0 || WEIGHT_BITS == 0) begin : gen_illegal
    $error("vector_vector_unit: PE, FOLDS, POSITIONS, INPUT_BITS and WEIGHT_BITS must be at least 1");
  end

  // Everything moves when the output has room.
  logic enable, slice_ready, step;

  assign s_axis_tready = enable;
  assign step          = enable && s_axis_tvalid;

  // Where in the window: steps below FOLDS are the first position, the last FOLDS steps the last one.
  logic [STEP_BITS-1:0] position;
  logic                 last_step;

  assign last_step = position == STEP_BITS'(STEPS - 1);

  always_ff @(posedge clk) begin
    if (rst) begin
      position <= '0;
    end else if (step) begin
      position <= last_step ? '0 : position + 1'b1;
    end
  end

  // Flags beside the data: bit 0 with the operands, bit 1 with the products.
  logic [1:0] valid, first, last;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= {valid[0], step};
    end
    if (enable) begin
      first <= {first[0], 32'(position) < FOLDS};
      last  <= {last[0], 32'(position) + FOLDS >= STEPS};
    end
  end

  // Operands.
  logic [PE*INPUT_BITS-1:0]  inputs;
  logic [PE*WEIGHT_BITS-1:0] weights;

  always_ff @(posedge clk) begin
    if (enable) begin
      inputs <= s_axis_tdata;
    end
  end

  if (ALL_ONES) begin : gen_ones
    assign weights = {PE{WEIGHT_BITS'(1)}};
  end else begin : gen_weights
    rom #(
        .WIDTH(PE * WEIGHT_BITS),
        .DEPTH(STEPS),
        .RAM_STYLE(RAM_STYLE),
        .FILE(WEIGHTS_FILE)
    ) kernel (
        .clk(clk),
        .enable(enable),
        .address(position),
        .data(weights)
    );
  end

  // Products, then sums: what was added up so far comes from the memory, and goes back.
  logic [FOLD_BITS-1:0] fold;
  logic [WIDTH-1:0]     partial[FOLDS];
  logic [WIDTH-1:0]     held, sums, result;
  logic                 finished;

  assign held = partial[fold];

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    logic [ACCUMULATOR_BITS-1:0] product;

    dot_product_products #(
        .SIMD(1),
        .INPUT_BITS(INPUT_BITS),
        .INPUT_SIGNED(INPUT_SIGNED),
        .WEIGHT_BITS(WEIGHT_BITS),
        .WEIGHT_SIGNED(WEIGHT_SIGNED),
        .BIPOLAR(1'b0),
        .USE_DSP(USE_DSP),
        .SUM_BITS(ACCUMULATOR_BITS)
    ) multiplier (
        .clk(clk),
        .enable(enable),
        .inputs(inputs[lane*INPUT_BITS+:INPUT_BITS]),
        .weights(weights[lane*WEIGHT_BITS+:WEIGHT_BITS]),
        .sum(product)
    );

    assign sums[lane*ACCUMULATOR_BITS+:ACCUMULATOR_BITS] =
        product + (first[1] ? '0 : held[lane*ACCUMULATOR_BITS+:ACCUMULATOR_BITS]);
  end

  if (FOLDS > 1) begin : gen_fold
    always_ff @(posedge clk) begin
      if (rst) begin
        fold <= '0;
      end else if (enable && valid[1]) begin
        fold <= fold == FOLD_BITS'(FOLDS - 1) ? '0 : fold + 1'b1;
      end
    end
  end else begin : gen_no_fold
    assign fold = '0;
  end

  always_ff @(posedge clk) begin
    if (enable && valid[1]) begin
      partial[fold] <= sums;
    end
    if (enable) begin
      result <= sums;
    end
    if (rst) begin
      finished <= 1'b0;
    end else if (enable) begin
      finished <= valid[1] && last[1];
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !finished;

  skid_buffer #(
      .WIDTH(WIDTH)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(result),
      .s_axis_tvalid(finished),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
