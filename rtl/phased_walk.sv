// phased_walk: walks the beats of windows over an image: window row, window column, group, tap row, tap column, fold.
//
// Handshake   while `valid`, the outputs describe the present beat, which `step` moves on; `step` needs `valid`
// Interval    1 beat a cycle; frame after frame
// Latency     1 cycle after reset
//
// Beats of the image are numbered on from frame to frame, modulo 2**COUNT_BITS; `distance` is the number of the next beat less
// that of this one, of beats outside of the image too. `outside`: the beat is padding. `begins`: it is the first of a frame
// that begins with padding, and has the number of the image's first beat. `freed`: how many beats are never read again after
// this one. FILES hold a word for each row and column of windows, see phased_window. What follows the first beat after reset is
// given: FIRST_MOVE (0 next fold, 1 next tap, 2 next tap row, 3 next group, 4 next window, 5 next row of windows, 6 next frame)
// leads from it to the second, which has the number SECOND, and FIRST_FREED beats are freed by it.
`default_nettype none

module phased_walk #(
    parameter int unsigned FOLDS      = 1,
    parameter int unsigned GROUPS     = 1,
    parameter int unsigned OUT_H      = 3,
    parameter int unsigned OUT_W      = 3,
    parameter int unsigned TAP_BITS   = 2,
    parameter int unsigned COUNT_BITS = 8,
    parameter int unsigned TAP        = 1,
    parameter int unsigned ROW        = 5,
    parameter int unsigned ORIGIN      = 0,
    parameter bit          BEGINS      = 0,
    parameter int unsigned FIRST_MOVE  = 1,
    parameter int unsigned SECOND      = 1,
    parameter int unsigned FIRST_FREED = 0,
    parameter int unsigned KEPT        = 2,
    parameter              ROWS_FILE    = "",
    parameter              COLUMNS_FILE = ""
) (
    input  wire logic                  clk,
    input  wire logic                  rst,
    input  wire logic                  step,
    output      logic                  valid,
    output      logic                  outside,
    output      logic                  begins,
    output      logic [COUNT_BITS-1:0] distance,
    output      logic [COUNT_BITS-1:0] freed
);

  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int unsigned GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam int unsigned WIDTH = 3 * TAP_BITS + 2 * COUNT_BITS;

  if (FOLDS == 0 || GROUPS == 0 || OUT_H == 0 || OUT_W == 0 || TAP_BITS == 0 || FIRST_MOVE > 6) begin : gen_illegal
    $error("phased_walk: FOLDS, GROUPS, OUT_H, OUT_W and TAP_BITS must be at least 1, FIRST_MOVE no more than 6");
  end

  // The outputs are registers. Before them lies the next beat, before that the counters of the beat after it. Reset sets
  // these to the first and the second beat.
  logic advance;

  assign advance = step || !valid;

  logic [FOLD_BITS-1:0]  fold;
  logic [GROUP_BITS-1:0] group;
  logic [TAP_BITS-1:0]   tap_column, tap_row;
  logic [TAP_BITS-1:0]   column_end, column_low, column_high, row_end, row_low, row_high;
  logic [COUNT_BITS-1:0] column_way, column_freed, row_way, row_freed;
  logic last_column, last_row;

  // Which loops end with this beat.
  logic tap_ends, column_ends, row_ends, group_ends, window_ends, line_ends;

  assign tap_ends    = FOLDS == 1 || fold == FOLD_BITS'(FOLDS - 1);
  assign column_ends = tap_ends && tap_column == column_end;
  assign row_ends    = column_ends && tap_row == row_end;
  assign group_ends  = row_ends && (GROUPS == 1 || group == GROUP_BITS'(GROUPS - 1));
  assign window_ends = group_ends && last_column;
  assign line_ends   = window_ends && last_row;

  axis_table #(
      .WIDTH(WIDTH),
      .DEPTH(OUT_W),
      .START(FIRST_MOVE == 4 ? 1 : 0),
      .FILE(COLUMNS_FILE)
  ) columns (
      .clk(clk),
      .rst(rst),
      .advance(advance && group_ends),
      .data({column_freed, column_way, column_high, column_low, column_end}),
      .last(last_column)
  );

  axis_table #(
      .WIDTH(WIDTH),
      .DEPTH(OUT_H),
      .START(FIRST_MOVE == 5 ? 1 : 0),
      .FILE(ROWS_FILE)
  ) rows (
      .clk(clk),
      .rst(rst),
      .advance(advance && window_ends),
      .data({row_freed, row_way, row_high, row_low, row_end}),
      .last(last_row)
  );

  // The number of the beat, and those at which its tap row, its group, its window and its row of windows began.
  logic [COUNT_BITS-1:0] number, in_row, in_group, in_window, in_line, from, way, following;

  always_comb begin
    if (!tap_ends) {from, way} = {number, COUNT_BITS'(1)};
    else if (!column_ends) {from, way} = {number, COUNT_BITS'(TAP) - COUNT_BITS'(FOLDS - 1)};
    else if (!row_ends) {from, way} = {in_row, COUNT_BITS'(ROW)};
    else if (GROUPS > 1 && !group_ends) {from, way} = {in_group, COUNT_BITS'(FOLDS)};
    else if (!window_ends) {from, way} = {in_window, column_way};
    else {from, way} = {in_line, row_way};
  end

  assign following = from + way;

  always_ff @(posedge clk) begin
    if (rst) begin
      fold       <= FOLD_BITS'(FIRST_MOVE == 0);
      tap_column <= TAP_BITS'(FIRST_MOVE == 1);
      tap_row    <= TAP_BITS'(FIRST_MOVE == 2);
      group      <= GROUP_BITS'(FIRST_MOVE == 3);
      number     <= COUNT_BITS'(SECOND);
      in_row     <= COUNT_BITS'(FIRST_MOVE >= 2 ? SECOND : ORIGIN);
      in_group   <= COUNT_BITS'(FIRST_MOVE >= 3 ? SECOND : ORIGIN);
      in_window  <= COUNT_BITS'(FIRST_MOVE >= 4 ? SECOND : ORIGIN);
      in_line    <= COUNT_BITS'(FIRST_MOVE >= 5 ? SECOND : ORIGIN);
    end else if (advance) begin
      fold   <= tap_ends ? '0 : fold + 1'b1;
      number <= following;
      if (tap_ends) tap_column <= column_ends ? '0 : tap_column + 1'b1;
      if (column_ends) begin
        tap_row <= row_ends ? '0 : tap_row + 1'b1;
        in_row  <= following;
      end
      if (row_ends) begin
        group    <= group_ends ? '0 : group + 1'b1;
        in_group <= following;
      end
      if (group_ends) in_window <= following;
      if (window_ends) in_line <= following;
    end
  end

  // The number that counts: a frame that begins with padding waits for its first beat.
  logic [COUNT_BITS-1:0] counted, next_number, next_freed;
  logic next_outside, next_begins, first;

  assign counted = BEGINS && first ? number - COUNT_BITS'(ORIGIN) : number;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid        <= 1'b0;
      first        <= FIRST_MOVE == 6;
      next_number  <= BEGINS ? '0 : COUNT_BITS'(ORIGIN);
      next_begins  <= BEGINS;
      next_outside <= BEGINS;
      next_freed   <= COUNT_BITS'(FIRST_FREED);
    end else if (advance) begin
      valid        <= 1'b1;
      first        <= line_ends;
      next_number  <= counted;
      next_begins  <= BEGINS && first;
      next_outside <= tap_column < column_low || tap_column > column_high || tap_row < row_low || tap_row > row_high;
      if (!group_ends || row_freed == '0) next_freed <= '0;
      else next_freed <= last_column ? row_freed - COUNT_BITS'(KEPT) : column_freed;
    end
    if (advance) begin
      distance <= counted - next_number;
      outside  <= next_outside;
      begins   <= next_begins;
      freed    <= next_freed;
    end
  end

endmodule

`default_nettype wire
