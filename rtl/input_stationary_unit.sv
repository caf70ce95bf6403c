// input_stationary_unit: y[o] = initial[o] + sum over k of w[o,k] * x[k], a beat of inputs meeting all rows before the next.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. In: SIMD columns a beat,
//             COLUMNS/SIMD beats a vector. Out: PE rows a beat, ROWS/PE beats a vector.
// Interval    (ROWS/PE) * (COLUMNS/SIMD) cycles a vector: as many as matrix_vector_unit. A beat is taken every ROWS/PE cycles; the
//             sums come out in the last ROWS/PE of them, one beat a cycle.
// Latency     from the step that completes a sum to its beat on the output: 3 + dot cycles, dot as in matrix_vector_unit
//
// The sums of all rows wait in a memory of ROWS/PE words. It is read a cycle before the word is added to and written in that
// cycle, so a word is not read and written at once where there are two of them; a single one is a register.
//
// The parameters are those of matrix_vector_unit with one matrix, but WEIGHTS_FILE holds all rows of the first SIMD columns first.
// SUMS_STYLE is what the sums wait in: auto, distributed, block or ultra.
`default_nettype none

module input_stationary_unit #(
    parameter int unsigned ROWS             = 4,
    parameter int unsigned COLUMNS          = 8,
    parameter int unsigned PE               = 2,
    parameter int unsigned SIMD             = 4,
    parameter int unsigned INPUT_BITS       = 4,
    parameter bit          INPUT_SIGNED     = 0,
    parameter int unsigned WEIGHT_BITS      = 4,
    parameter bit          WEIGHT_SIGNED    = 1,
    parameter bit          BIPOLAR          = 0,
    parameter bit          PLANES           = 0,
    parameter bit          USE_DSP          = 0,
    parameter int unsigned ACCUMULATOR_BITS = 12,
    parameter int unsigned INITIAL_DEPTH    = 0,
    parameter              RAM_STYLE        = "auto",
    parameter              SUMS_STYLE       = "distributed",
    parameter              WEIGHTS_FILE     = "",
    parameter              INITIAL_FILE     = ""
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    input  wire logic [SIMD*INPUT_BITS-1:0]     s_axis_tdata,
    input  wire logic                           s_axis_tvalid,
    output      logic                           s_axis_tready,
    output      logic [PE*ACCUMULATOR_BITS-1:0] m_axis_tdata,
    output      logic                           m_axis_tvalid,
    input  wire logic                           m_axis_tready
);

  localparam int unsigned WIDTH = PE * ACCUMULATOR_BITS;
  localparam int unsigned ROW_FOLDS = ROWS / PE;
  localparam int unsigned ROW_BITS = ROW_FOLDS > 1 ? $clog2(ROW_FOLDS) : 1;
  localparam int unsigned DEPTH = ROW_FOLDS * (COLUMNS / SIMD);
  localparam int unsigned INITIAL_BITS = INITIAL_DEPTH > 1 ? ROW_BITS : 1;
  localparam int unsigned STEP_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int unsigned COUNT_LATENCY = SIMD <= 3 ? 1 : 3 + ($clog2((SIMD + 17) / 18) + 1) / 2;
  localparam int unsigned DOT_LATENCY = PLANES ?
      COUNT_LATENCY + ($clog2(INPUT_BITS) + 1) / 2 + ($clog2(WEIGHT_BITS) + 1) / 2 : 1 + ($clog2(SIMD) + 1) / 2;

  if (PE == 0 || SIMD == 0 || ROWS % PE != 0 || COLUMNS % SIMD != 0) begin : gen_illegal_folding
    $error("input_stationary_unit: PE must divide ROWS and SIMD must divide COLUMNS");
  end
  if (INITIAL_DEPTH > 1 && INITIAL_DEPTH != ROW_FOLDS) begin : gen_illegal_initial
    $error("input_stationary_unit: INITIAL_DEPTH must be 0, 1 or ROWS / PE");
  end

  // Everything moves when the output has room; a step runs when its input is there, too.
  logic enable, slice_ready, step;

  // Control: the place in the memory of weights; `replay` says that the beat of inputs is there already.
  logic [STEP_BITS-1:0] position;
  logic                 replay;

  assign s_axis_tready = enable && !replay;
  assign step          = enable && (replay || s_axis_tvalid);

  always_ff @(posedge clk) begin
    if (rst) begin
      position <= '0;
    end else if (step) begin
      position <= position == STEP_BITS'(DEPTH - 1) ? '0 : position + 1'b1;
    end
  end

  if (ROW_FOLDS > 1) begin : gen_replay
    logic [ROW_BITS-1:0] fold;

    always_ff @(posedge clk) begin
      if (rst) begin
        fold   <= '0;
        replay <= 1'b0;
      end else if (step) begin
        fold   <= fold == ROW_BITS'(ROW_FOLDS - 1) ? '0 : fold + 1'b1;
        replay <= fold != ROW_BITS'(ROW_FOLDS - 1);
      end
    end
  end else begin : gen_no_replay
    assign replay = 1'b0;
  end

  // Operands.
  logic [SIMD*INPUT_BITS-1:0]     arranged, inputs;
  logic [PE*SIMD*WEIGHT_BITS-1:0] weights;

  if (PLANES) begin : gen_planes
    for (genvar lane = 0; lane < SIMD; lane++) begin : gen_lane
      for (genvar b = 0; b < INPUT_BITS; b++) begin : gen_bit
        assign arranged[b*SIMD+lane] = s_axis_tdata[lane*INPUT_BITS+b];
      end
    end
  end else begin : gen_lanes
    assign arranged = s_axis_tdata;
  end

  always_ff @(posedge clk) begin
    if (enable && !replay) begin
      inputs <= arranged;
    end
  end

  rom #(
      .WIDTH(PE * SIMD * WEIGHT_BITS),
      .DEPTH(DEPTH),
      .RAM_STYLE(RAM_STYLE),
      .FILE(WEIGHTS_FILE)
  ) matrix (
      .clk(clk),
      .enable(enable),
      .address(position),
      .data(weights)
  );

  // What becomes of the operands: flags beside the dot product, bit 0 with the operands, bit DOT_LATENCY with the sum.
  logic [DOT_LATENCY:0] valid, first, last;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= {valid[DOT_LATENCY-1:0], step};
    end
    if (enable) begin
      first <= {first[DOT_LATENCY-1:0], 32'(position) < ROW_FOLDS};
      last  <= {last[DOT_LATENCY-1:0], 32'(position) + ROW_FOLDS >= DEPTH};
    end
  end

  // Dot products, and beside each what it is added to.
  logic [WIDTH-1:0]    dots, held, initials, sums, results;
  logic [ROW_BITS-1:0] row;

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    localparam int unsigned LOW = lane * ACCUMULATOR_BITS;

    processing_element #(
        .SIMD(SIMD),
        .INPUT_BITS(INPUT_BITS),
        .INPUT_SIGNED(INPUT_SIGNED),
        .WEIGHT_BITS(WEIGHT_BITS),
        .WEIGHT_SIGNED(WEIGHT_SIGNED),
        .BIPOLAR(BIPOLAR),
        .PLANES(PLANES),
        .USE_DSP(USE_DSP),
        .ACCUMULATOR_BITS(ACCUMULATOR_BITS),
        .ACCUMULATE(0)
    ) element (
        .clk(clk),
        .enable(enable),
        .inputs(inputs),
        .weights(weights[lane*SIMD*WEIGHT_BITS+:SIMD*WEIGHT_BITS]),
        .valid(1'b1),
        .first(1'b1),
        .initial_value('0),
        .result(dots[LOW+:ACCUMULATOR_BITS])
    );

    assign sums[LOW+:ACCUMULATOR_BITS] = dots[LOW+:ACCUMULATOR_BITS] +
        (first[DOT_LATENCY] ? initials[LOW+:ACCUMULATOR_BITS] : held[LOW+:ACCUMULATOR_BITS]);
  end

  if (ROW_FOLDS > 1) begin : gen_memory
    logic [ROW_BITS-1:0] write_row;

    always_ff @(posedge clk) begin
      if (rst) begin
        row <= '0;
      end else if (enable && valid[DOT_LATENCY-1]) begin
        row <= row == ROW_BITS'(ROW_FOLDS - 1) ? '0 : row + 1'b1;
      end
      if (enable) begin
        write_row <= row;
      end
    end

    simple_dual_port_ram #(
        .WIDTH(WIDTH),
        .DEPTH(ROW_FOLDS),
        .RAM_STYLE(SUMS_STYLE)
    ) partial (
        .clk(clk),
        .write(enable && valid[DOT_LATENCY]),
        .write_address(write_row),
        .write_data(sums),
        .read(enable),
        .read_address(row),
        .data(held)
    );
  end else begin : gen_register
    assign row = '0;

    always_ff @(posedge clk) begin
      if (enable && valid[DOT_LATENCY]) begin
        held <= sums;
      end
    end
  end

  if (INITIAL_DEPTH > 0) begin : gen_initial
    rom #(
        .WIDTH(WIDTH),
        .DEPTH(INITIAL_DEPTH),
        .RAM_STYLE("distributed"),
        .FILE(INITIAL_FILE)
    ) start (
        .clk(clk),
        .enable(enable),
        .address(INITIAL_BITS'(row)),
        .data(initials)
    );
  end else begin : gen_zero
    assign initials = '0;
  end

  // Output: a finished row waits here for the skid buffer.
  logic finished;

  always_ff @(posedge clk) begin
    if (rst) begin
      finished <= 1'b0;
    end else if (enable) begin
      finished <= valid[DOT_LATENCY] && last[DOT_LATENCY];
    end
    if (enable) begin
      results <= sums;
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !finished;

  skid_buffer #(
      .WIDTH(WIDTH)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(results),
      .s_axis_tvalid(finished),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
