// matrix_walk: where a matrix-vector unit is: column and row of the matrix, place in the memory of weights.
//
// Handshake   the outputs describe the present step, which `step` moves on; `replay` says that it needs no input
// Interval    1 step a cycle, ROW_FOLDS * (column folds of its matrix) for a vector; frame after frame
// Latency     none
//
// Without TABLE the MATRICES take turns, all of COLUMN_FOLDS columns. With TABLE, vectors meet them as matrix_sequence says,
// and MATRICES_FILE holds for each matrix its column folds less 1, in the low COLUMN_BITS bits, and its place in the memory.
`default_nettype none

module matrix_walk #(
    parameter int unsigned ROW_FOLDS     = 2,
    parameter int unsigned COLUMN_FOLDS  = 2,
    parameter int unsigned DEPTH         = 4,
    parameter int unsigned MATRICES      = 1,
    parameter bit          TABLE         = 0,
    parameter int unsigned SEGMENTS      = 1,
    parameter int unsigned ROW_VECTORS   = 1,
    parameter int unsigned FRAME_ROWS    = 1,
    parameter              MATRICES_FILE = "",
    localparam int unsigned COLUMN_BITS = COLUMN_FOLDS > 1 ? $clog2(COLUMN_FOLDS) : 1,
    localparam int unsigned STEP_BITS   = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                   clk,
    input  wire logic                   rst,
    input  wire logic                   step,
    output      logic [COLUMN_BITS-1:0] column,
    output      logic [STEP_BITS-1:0]   position,
    output      logic                   replay,
    output      logic                   first_column,
    output      logic                   last_column
);

  logic [COLUMN_BITS-1:0] column_end;
  logic vector_end;

  assign first_column = column == '0;
  assign last_column  = column == column_end;

  always_ff @(posedge clk) begin
    if (rst) begin
      column <= '0;
      replay <= 1'b0;
    end else if (step) begin
      column <= last_column ? '0 : column + 1'b1;
      if (last_column) begin
        replay <= !vector_end;
      end
    end
  end

  if (TABLE || MATRICES > 1) begin : gen_rows
    localparam int unsigned ROW_BITS = ROW_FOLDS > 1 ? $clog2(ROW_FOLDS) : 1;

    logic [ROW_BITS-1:0] row;

    assign vector_end = last_column && row == ROW_BITS'(ROW_FOLDS - 1);

    always_ff @(posedge clk) begin
      if (rst) begin
        row <= '0;
      end else if (step && last_column) begin
        row <= vector_end ? '0 : row + 1'b1;
      end
    end
  end else begin : gen_one_matrix
    assign vector_end = position == STEP_BITS'(DEPTH - 1);
  end

  if (TABLE) begin : gen_table
    logic [STEP_BITS-1:0] start, following;
    logic begins;

    matrix_sequence #(
        .SEGMENTS(SEGMENTS),
        .PLACES(MATRICES / SEGMENTS),
        .ROW_VECTORS(ROW_VECTORS),
        .FRAME_ROWS(FRAME_ROWS),
        .WIDTH(COLUMN_BITS + STEP_BITS),
        .FILE(MATRICES_FILE)
    ) sequence_ (
        .clk(clk),
        .rst(rst),
        .advance(step && vector_end),
        .data({start, column_end})
    );

    assign position = begins ? start : following;

    always_ff @(posedge clk) begin
      if (rst) begin
        begins <= 1'b1;
      end else if (step) begin
        begins <= vector_end;
      end
      if (step) begin
        following <= position + 1'b1;
      end
    end
  end else begin : gen_in_turn
    assign column_end = COLUMN_BITS'(COLUMN_FOLDS - 1);

    always_ff @(posedge clk) begin
      if (rst) begin
        position <= '0;
      end else if (step) begin
        position <= position == STEP_BITS'(DEPTH - 1) ? '0 : position + 1'b1;
      end
    end
  end

endmodule

`default_nettype wire
