// border_affine: y = factor * x + constant for each element of an image, both of them those of the class of its pixel.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. In: ROWS * COLUMNS pixels of FOLDS
//             beats each; beat i of a pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 beat a cycle
// Latency     4 cycles
//
// The class of a pixel is the sum of what ROWS_FILE holds for its row and COLUMNS_FILE for its column; border pixels of a
// padded image are in other classes than those inside. FACTORS_FILE holds the factor of each class, not negative; where
// FACTOR_DEPTH is 1 it is FACTOR for all. Word class * FOLDS + i of CONSTANTS_FILE holds the constants of beat i of a pixel, PE
// signed fields; where CONSTANT_DEPTH is 1 there is one word for all.
`default_nettype none

module border_affine #(
    parameter int unsigned PE             = 2,
    parameter int unsigned FOLDS          = 3,
    parameter int unsigned ROWS           = 4,
    parameter int unsigned COLUMNS        = 5,
    parameter int unsigned INPUT_BITS     = 4,
    parameter bit          INPUT_SIGNED   = 1'b0,
    parameter int unsigned CLASSES        = 9,
    parameter int unsigned FACTOR_BITS    = 2,
    parameter int unsigned FACTOR_DEPTH   = 9,
    parameter int unsigned FACTOR         = 1,
    parameter int unsigned CONSTANT_BITS  = 3,
    parameter int unsigned CONSTANT_DEPTH = 27,
    parameter int unsigned OUTPUT_BITS    = 7,
    parameter              RAM_STYLE      = "auto",
    parameter              ROWS_FILE      = "",
    parameter              COLUMNS_FILE   = "",
    parameter              FACTORS_FILE   = "",
    parameter              CONSTANTS_FILE = ""
) (
    input  wire logic                      clk,
    input  wire logic                      rst,
    input  wire logic [ PE*INPUT_BITS-1:0] s_axis_tdata,
    input  wire logic                      s_axis_tvalid,
    output      logic                      s_axis_tready,
    output      logic [PE*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                      m_axis_tvalid,
    input  wire logic                      m_axis_tready
);

  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int unsigned ROW_BITS = ROWS > 1 ? $clog2(ROWS) : 1;
  localparam int unsigned COLUMN_BITS = COLUMNS > 1 ? $clog2(COLUMNS) : 1;
  localparam int unsigned CLASS_BITS = CLASSES > 1 ? $clog2(CLASSES) : 1;
  localparam int unsigned CONSTANT_ADDRESS = CONSTANT_DEPTH > 1 ? $clog2(CONSTANT_DEPTH) : 1;

  if (PE == 0 || FOLDS == 0 || ROWS == 0 || COLUMNS == 0 || INPUT_BITS == 0 || FACTOR_BITS == 0 || CONSTANT_BITS == 0)
  begin : gen_illegal
    $error("border_affine: PE, FOLDS, ROWS, COLUMNS and numbers of bits must be at least 1");
  end
  if ((FACTOR_DEPTH != 1 && FACTOR_DEPTH != CLASSES) || (CONSTANT_DEPTH != 1 && CONSTANT_DEPTH != CLASSES * FOLDS))
  begin : gen_illegal_depth
    $error("border_affine: FACTOR_DEPTH must be 1 or CLASSES, CONSTANT_DEPTH 1 or CLASSES * FOLDS");
  end

  // Everything moves when the output has room.
  logic enable, slice_ready, step;

  assign s_axis_tready = enable;
  assign step          = enable && s_axis_tvalid;

  // Where in the image.
  logic [FOLD_BITS-1:0]   fold;
  logic [COLUMN_BITS-1:0] column;
  logic [ROW_BITS-1:0]    row;
  logic last_fold, last_column, last_row;

  assign last_fold   = fold == FOLD_BITS'(FOLDS - 1);
  assign last_column = column == COLUMN_BITS'(COLUMNS - 1);
  assign last_row    = row == ROW_BITS'(ROWS - 1);

  always_ff @(posedge clk) begin
    if (rst) begin
      fold   <= '0;
      column <= '0;
      row    <= '0;
    end else if (step) begin
      fold <= last_fold ? '0 : fold + 1'b1;
      if (last_fold) column <= last_column ? '0 : column + 1'b1;
      if (last_fold && last_column) row <= last_row ? '0 : row + 1'b1;
    end
  end

  // Stage 1: the class. Stage 2: its factor and constants. Stage 3: the result.
  logic [CLASS_BITS-1:0] class_of_row, class_of_column, pixel_class;
  logic [CONSTANT_ADDRESS-1:0] constant_address;
  logic [PE*INPUT_BITS-1:0] values_1, values_2;
  logic [FACTOR_BITS-1:0] factor;
  logic [PE*CONSTANT_BITS-1:0] constants;
  logic [3:1] valid;

  rom #(
      .WIDTH(CLASS_BITS),
      .DEPTH(ROWS),
      .RAM_STYLE("distributed"),
      .FILE(ROWS_FILE)
  ) row_classes (
      .clk(clk),
      .enable(enable),
      .address(row),
      .data(class_of_row)
  );

  rom #(
      .WIDTH(CLASS_BITS),
      .DEPTH(COLUMNS),
      .RAM_STYLE("distributed"),
      .FILE(COLUMNS_FILE)
  ) column_classes (
      .clk(clk),
      .enable(enable),
      .address(column),
      .data(class_of_column)
  );

  assign pixel_class = class_of_row + class_of_column;

  if (FACTOR_DEPTH > 1) begin : gen_factors
    rom #(
        .WIDTH(FACTOR_BITS),
        .DEPTH(FACTOR_DEPTH),
        .RAM_STYLE("distributed"),
        .FILE(FACTORS_FILE)
    ) factors (
        .clk(clk),
        .enable(enable),
        .address(pixel_class),
        .data(factor)
    );
  end else begin : gen_one_factor
    assign factor = FACTOR_BITS'(FACTOR);
  end

  if (CONSTANT_DEPTH > 1) begin : gen_constant_address
    logic [FOLD_BITS-1:0] fold_1;

    always_ff @(posedge clk) begin
      if (enable) begin
        fold_1 <= fold;
      end
    end

    assign constant_address =
        CONSTANT_ADDRESS'(pixel_class) * CONSTANT_ADDRESS'(FOLDS) + CONSTANT_ADDRESS'(fold_1);
  end else begin : gen_one_constant
    assign constant_address = '0;
  end

  rom #(
      .WIDTH(PE * CONSTANT_BITS),
      .DEPTH(CONSTANT_DEPTH),
      .RAM_STYLE(RAM_STYLE),
      .FILE(CONSTANTS_FILE)
  ) constant_memory (
      .clk(clk),
      .enable(enable),
      .address(constant_address),
      .data(constants)
  );

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= 3'({valid, step});
    end
    if (enable) begin
      values_1 <= s_axis_tdata;
      values_2 <= values_1;
    end
  end

  logic [PE*OUTPUT_BITS-1:0] results;

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    logic [INPUT_BITS-1:0]         value;
    logic signed [OUTPUT_BITS-1:0] wide, scale, added;

    assign value = values_2[lane*INPUT_BITS+:INPUT_BITS];
    assign wide  = OUTPUT_BITS'($signed({INPUT_SIGNED & value[INPUT_BITS-1], value}));
    assign scale = OUTPUT_BITS'($signed({1'b0, factor}));
    assign added = OUTPUT_BITS'($signed(constants[lane*CONSTANT_BITS+:CONSTANT_BITS]));

    always_ff @(posedge clk) begin
      if (enable) begin
        results[lane*OUTPUT_BITS+:OUTPUT_BITS] <= wide * scale + added;
      end
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid[3];

  skid_buffer #(
      .WIDTH(PE * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(results),
      .s_axis_tvalid(valid[3]),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
