// matrix_vector_unit: y[o] = initial[o] + sum over k of w[o,k] * x[k], PE rows and SIMD columns a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. In: SIMD columns a beat,
//             COLUMNS/SIMD beats a vector. Out: PE rows a beat, ROWS/PE beats a vector.
// Interval    (ROWS/PE) * (COLUMNS/SIMD) cycles a vector, COLUMNS being those of its matrix. The first COLUMNS/SIMD of them take the vector, which is kept and
//             replayed for the other rows; the next vector's first beat is taken in the cycle after the last step.
// Latency     from the step that completes a row to its beat on the output: 2 + dot + accumulate cycles, where dot is
//               without PLANES  1 + ceil(ceil(log2(SIMD)) / 2)
//               with PLANES     count + ceil(ceil(log2(INPUT_BITS)) / 2) + ceil(ceil(log2(WEIGHT_BITS)) / 2),
//                               count = SIMD <= 3 ? 1 : 3 + ceil(ceil(log2(ceil(SIMD/18))) / 2)
//             and accumulate is 0 if SIMD = COLUMNS and INITIAL_DEPTH = 0, else 1
//
// There is one matrix, or MATRICES of them that the vectors of a frame meet in a fixed order: in turn, all of COLUMNS columns,
// or with TABLE as matrix_walk says, the first of COLUMNS columns and none of more than WIDEST (MATRICES_FILE: see there).
//
// WEIGHTS_FILE holds (ROWS/PE) * (COLUMNS/SIMD) words a matrix, all columns of the first PE rows first, DEPTH in all. A word holds PE fields of
// SIMD*WEIGHT_BITS bits; bit b of lane s stands in bit s*WEIGHT_BITS + b of a field, or with PLANES in bit b*SIMD + s.
// PLANES chooses dot_product_planes instead of dot_product_products, USE_DSP its multipliers. BIPOLAR: see there; what it asks
// the caller to make up for is part of the initial values. INITIAL_FILE holds INITIAL_DEPTH words of PE values:
// ROWS/PE a matrix, or 1 where they are all the same, or 0 for zeros. INITIAL_ROWS_FILE is to it what MATRICES_FILE is to the weights.
`default_nettype none

module matrix_vector_unit #(
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
    parameter int unsigned MATRICES         = 1,
    parameter int unsigned DEPTH            = ROWS / PE * (COLUMNS / SIMD) * MATRICES,
    parameter bit          TABLE            = 0,
    parameter int unsigned WIDEST           = COLUMNS,
    parameter int unsigned SEGMENTS         = 1,
    parameter int unsigned ROW_VECTORS      = MATRICES,
    parameter int unsigned FRAME_ROWS       = 1,
    parameter              RAM_STYLE        = "auto",
    parameter              WEIGHTS_FILE     = "",
    parameter              INITIAL_FILE     = "",
    parameter              MATRICES_FILE    = "",
    parameter              INITIAL_ROWS_FILE = ""
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

  localparam int unsigned ROW_FOLDS = ROWS / PE;
  localparam int unsigned COLUMN_FOLDS = WIDEST / SIMD;
  localparam int unsigned COLUMN_BITS = COLUMN_FOLDS > 1 ? $clog2(COLUMN_FOLDS) : 1;
  localparam int unsigned KEPT = ROW_FOLDS > 1 ? COLUMN_FOLDS : 1;
  localparam int unsigned KEPT_BITS = KEPT > 1 ? $clog2(KEPT) : 1;
  localparam int unsigned STEP_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int unsigned COUNT_LATENCY = SIMD <= 3 ? 1 : 3 + ($clog2((SIMD + 17) / 18) + 1) / 2;
  localparam int unsigned DOT_LATENCY = PLANES ?
      COUNT_LATENCY + ($clog2(INPUT_BITS) + 1) / 2 + ($clog2(WEIGHT_BITS) + 1) / 2 : 1 + ($clog2(SIMD) + 1) / 2;
  localparam bit ACCUMULATE = COLUMN_FOLDS > 1 || INITIAL_DEPTH > 0;

  if (PE == 0 || SIMD == 0 || ROWS % PE != 0 || COLUMNS % SIMD != 0 || WIDEST % SIMD != 0) begin : gen_illegal_folding
    $error("matrix_vector_unit: PE must divide ROWS and SIMD must divide COLUMNS");
  end
  if (INITIAL_DEPTH > 1 && INITIAL_DEPTH != ROW_FOLDS * MATRICES) begin : gen_illegal_initial
    $error("matrix_vector_unit: INITIAL_DEPTH must be 0, 1 or ROWS / PE for each matrix");
  end
  if (MATRICES == 0 || SEGMENTS == 0 || MATRICES % SEGMENTS != 0 || (!TABLE && WIDEST != COLUMNS)) begin : gen_illegal_cycle
    $error("matrix_vector_unit: SEGMENTS must divide MATRICES, and matrices of different sizes need a TABLE");
  end

  // Everything moves when the output has room; a step runs when its input is there, too.
  logic enable, slice_ready, step;

  // Control: the position in the matrix.
  logic [COLUMN_BITS-1:0] column;
  logic [STEP_BITS-1:0]   position;
  logic                   replay;
  logic                   first_column, last_column;

  assign s_axis_tready = enable && !replay;
  assign step          = enable && (replay || s_axis_tvalid);

  matrix_walk #(
      .ROW_FOLDS(ROW_FOLDS),
      .COLUMN_FOLDS(COLUMN_FOLDS),
      .DEPTH(DEPTH),
      .MATRICES(MATRICES),
      .TABLE(TABLE),
      .SEGMENTS(SEGMENTS),
      .ROW_VECTORS(ROW_VECTORS),
      .FRAME_ROWS(FRAME_ROWS),
      .MATRICES_FILE(MATRICES_FILE)
  ) walk (
      .clk(clk),
      .rst(rst),
      .step(step),
      .column(column),
      .position(position),
      .replay(replay),
      .first_column(first_column),
      .last_column(last_column)
  );

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

  input_buffer #(
      .WIDTH(SIMD * INPUT_BITS),
      .DEPTH(KEPT)
  ) vector (
      .clk(clk),
      .enable(enable),
      .write(!replay),
      .address(KEPT_BITS'(column)),
      .write_data(arranged),
      .data(inputs)
  );

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
      first <= {first[DOT_LATENCY-1:0], first_column};
      last  <= {last[DOT_LATENCY-1:0], last_column};
    end
  end

  // Initial values of the accumulators, read one cycle ahead of the first sum.
  logic [PE*ACCUMULATOR_BITS-1:0] initials;

  if (INITIAL_DEPTH > 0) begin : gen_initial
    localparam int unsigned ROW_BITS = INITIAL_DEPTH > 1 ? $clog2(INITIAL_DEPTH) : 1;

    logic [ROW_BITS-1:0] row;
    logic next_row;

    assign next_row = enable && valid[DOT_LATENCY-1] && last[DOT_LATENCY-1];

    if (TABLE && INITIAL_DEPTH > 1) begin : gen_walk
      logic unused_replay, unused_first, unused_last;
      logic [(ROW_FOLDS > 1 ? $clog2(ROW_FOLDS) : 1)-1:0] unused_column;

      matrix_walk #(
          .ROW_FOLDS(1),
          .COLUMN_FOLDS(ROW_FOLDS),
          .DEPTH(INITIAL_DEPTH),
          .MATRICES(MATRICES),
          .TABLE(TABLE),
          .SEGMENTS(SEGMENTS),
          .ROW_VECTORS(ROW_VECTORS),
          .FRAME_ROWS(FRAME_ROWS),
          .MATRICES_FILE(INITIAL_ROWS_FILE)
      ) rows (
          .clk(clk),
          .rst(rst),
          .step(next_row),
          .column(unused_column),
          .position(row),
          .replay(unused_replay),
          .first_column(unused_first),
          .last_column(unused_last)
      );
    end else begin : gen_count
      always_ff @(posedge clk) begin
        if (rst) begin
          row <= '0;
        end else if (next_row) begin
          row <= row == ROW_BITS'(INITIAL_DEPTH - 1) ? '0 : row + 1'b1;
        end
      end
    end

    rom #(
        .WIDTH(PE * ACCUMULATOR_BITS),
        .DEPTH(INITIAL_DEPTH),
        .RAM_STYLE("distributed"),
        .FILE(INITIAL_FILE)
    ) start (
        .clk(clk),
        .enable(enable),
        .address(row),
        .data(initials)
    );
  end else begin : gen_zero
    assign initials = '0;
  end

  // Arithmetic.
  logic [PE*ACCUMULATOR_BITS-1:0] results;

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
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
        .ACCUMULATE(ACCUMULATE)
    ) element (
        .clk(clk),
        .enable(enable),
        .inputs(inputs),
        .weights(weights[lane*SIMD*WEIGHT_BITS+:SIMD*WEIGHT_BITS]),
        .valid(valid[DOT_LATENCY]),
        .first(first[DOT_LATENCY]),
        .initial_value(initials[lane*ACCUMULATOR_BITS+:ACCUMULATOR_BITS]),
        .result(results[lane*ACCUMULATOR_BITS+:ACCUMULATOR_BITS])
    );
  end

  // Output: a finished row waits here for the skid buffer.
  logic finished;

  if (ACCUMULATE) begin : gen_finished
    always_ff @(posedge clk) begin
      if (rst) begin
        finished <= 1'b0;
      end else if (enable) begin
        finished <= valid[DOT_LATENCY] && last[DOT_LATENCY];
      end
    end
  end else begin : gen_finished_at_once
    assign finished = valid[DOT_LATENCY];
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !finished;

  skid_buffer #(
      .WIDTH(PE * ACCUMULATOR_BITS)
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
