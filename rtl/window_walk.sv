// window_walk: walks the beats of windows over an image: window row, window column, tap row, tap column, fold.
//
// Handshake   while `valid`, the outputs describe the present beat, which `step` moves on; `step` needs `valid`
// Interval    1 beat a cycle; frame after frame
// Latency     1 cycle after reset
//
// Sizes and strides count kept pixels, see sliding_window. `outside`: the beat is padding. `begins`: it is the first of a
// frame that begins with padding. `move` says how the next beat lies to this one: 0 next fold, 1 next tap, 2 first tap of the
// next tap row, 3 next window, 4 next row of windows, 5 next frame. `release_code` says what is never read again after this
// beat: 0 nothing more, 1 columns of a window, 2 the rest of the rows of a row of windows, 3 the rest of the frame. Windows
// release after their tap row RELEASE_ROW-1, the one that releases the frame (row FINAL_ROW, column FINAL_COLUMN) after its
// last; windows of other rows beyond column ROW_END, and all windows beyond that one, release nothing.
`default_nettype none

module window_walk #(
    parameter int unsigned FOLDS        = 1,
    parameter int unsigned HEIGHT       = 5,
    parameter int unsigned WIDTH        = 5,
    parameter int unsigned KERNEL_H     = 3,
    parameter int unsigned KERNEL_W     = 3,
    parameter int unsigned STRIDE_H     = 1,
    parameter int unsigned STRIDE_W     = 1,
    parameter int unsigned DILATION_H   = 1,
    parameter int unsigned DILATION_W   = 1,
    parameter int unsigned PAD_TOP      = 0,
    parameter int unsigned PAD_LEFT     = 0,
    parameter int unsigned OUT_H        = 3,
    parameter int unsigned OUT_W        = 3,
    parameter int unsigned RELEASE_ROW  = 1,
    parameter int unsigned ROW_END      = 2,
    parameter int unsigned FINAL_ROW    = 2,
    parameter int unsigned FINAL_COLUMN = 2
) (
    input  wire logic       clk,
    input  wire logic       rst,
    input  wire logic       step,
    output      logic       valid,
    output      logic       outside,
    output      logic       begins,
    output      logic [2:0] move,
    output      logic [1:0] release_code
);

  // Pixels from the first tap of the first window to the last of the last.
  localparam int unsigned REACH_H = (OUT_H - 1) * STRIDE_H + (KERNEL_H - 1) * DILATION_H + 1;
  localparam int unsigned REACH_W = (OUT_W - 1) * STRIDE_W + (KERNEL_W - 1) * DILATION_W + 1;
  localparam bit PADDED = PAD_TOP != 0 || PAD_LEFT != 0 || REACH_H > PAD_TOP + HEIGHT || REACH_W > PAD_LEFT + WIDTH;

  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int unsigned TAP_H_BITS = KERNEL_H > 1 ? $clog2(KERNEL_H) : 1;
  localparam int unsigned TAP_W_BITS = KERNEL_W > 1 ? $clog2(KERNEL_W) : 1;
  localparam int unsigned OUT_H_BITS = OUT_H > 1 ? $clog2(OUT_H) : 1;
  localparam int unsigned OUT_W_BITS = OUT_W > 1 ? $clog2(OUT_W) : 1;

  if (RELEASE_ROW == 0 || RELEASE_ROW > KERNEL_H || ROW_END >= OUT_W || FINAL_ROW >= OUT_H || FINAL_COLUMN >= OUT_W)
  begin : gen_illegal
    $error("window_walk: RELEASE_ROW must be 1 to KERNEL_H, ROW_END and FINAL_COLUMN less than OUT_W, FINAL_ROW than OUT_H");
  end

  // The outputs are registers. Before them lie the move and release of the next beat, before these the counters of the
  // beat after that. Reset sets them to the first beat, in one step: the move from it and what it releases are constants.
  localparam int unsigned FIRST_MOVE = FOLDS > 1 ? 0 : KERNEL_W > 1 ? 1 : KERNEL_H > 1 ? 2 : OUT_W > 1 ? 3 : OUT_H > 1 ? 4 : 5;
  localparam bit FIRST_FINAL = FINAL_ROW == 0 && FINAL_COLUMN == 0;
  localparam bit FIRST_ROW_END = FINAL_ROW != 0 && ROW_END == 0;
  localparam bit FIRST_DONE = FOLDS == 1 && KERNEL_W == 1 && (FIRST_FINAL ? KERNEL_H : RELEASE_ROW) == 1;
  localparam int unsigned FIRST_RELEASE = !FIRST_DONE ? 0 : FIRST_FINAL ? 3 : FIRST_ROW_END ? 2 : 1;

  logic advance;

  assign advance = step || !valid;

  logic [FOLD_BITS-1:0]  fold;
  logic [TAP_W_BITS-1:0] tap_column;
  logic [TAP_H_BITS-1:0] tap_row;
  logic [OUT_W_BITS-1:0] column;
  logic [OUT_H_BITS-1:0] row;
  logic last_fold, last_tap_column, last_tap_row, last_column, last_row;

  assign last_fold       = fold == FOLD_BITS'(FOLDS - 1);
  assign last_tap_column = tap_column == TAP_W_BITS'(KERNEL_W - 1);
  assign last_tap_row    = tap_row == TAP_H_BITS'(KERNEL_H - 1);
  assign last_column     = column == OUT_W_BITS'(OUT_W - 1);
  assign last_row        = row == OUT_H_BITS'(OUT_H - 1);

  logic [2:0] move_now, move_next;
  logic [1:0] release_now, release_next;
  logic final_row, final_window, row_end, row_done, row_ended, frame_ended;

  assign final_row    = row == OUT_H_BITS'(FINAL_ROW);
  assign final_window = final_row && column == OUT_W_BITS'(FINAL_COLUMN);
  assign row_end      = !final_row && column == OUT_W_BITS'(ROW_END);
  assign row_done     = last_fold && last_tap_column
                        && tap_row == (final_window ? TAP_H_BITS'(KERNEL_H - 1) : TAP_H_BITS'(RELEASE_ROW - 1));

  always_comb begin
    if (!last_fold) move_now = 3'd0;
    else if (!last_tap_column) move_now = 3'd1;
    else if (!last_tap_row) move_now = 3'd2;
    else if (!last_column) move_now = 3'd3;
    else if (!last_row) move_now = 3'd4;
    else move_now = 3'd5;

    if (!row_done || row_ended || frame_ended) release_now = 2'd0;
    else if (final_window) release_now = 2'd3;
    else if (row_end) release_now = 2'd2;
    else release_now = 2'd1;
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      fold         <= FOLD_BITS'(FIRST_MOVE == 0);
      tap_column   <= TAP_W_BITS'(FIRST_MOVE == 1);
      tap_row      <= TAP_H_BITS'(FIRST_MOVE == 2);
      column       <= OUT_W_BITS'(FIRST_MOVE == 3);
      row          <= OUT_H_BITS'(FIRST_MOVE == 4);
      row_ended    <= FIRST_MOVE == 3 && FIRST_ROW_END;
      frame_ended  <= FIRST_MOVE > 2 && FIRST_MOVE != 5 && FIRST_FINAL;
      move_next    <= 3'(FIRST_MOVE);
      release_next <= 2'(FIRST_RELEASE);
      valid        <= 1'b0;
    end else if (advance) begin
      valid        <= 1'b1;
      move_next    <= move_now;
      release_next <= release_now;
      fold         <= last_fold ? '0 : fold + 1'b1;
      if (move_now != 3'd0) tap_column <= last_tap_column ? '0 : tap_column + 1'b1;
      if (move_now > 3'd1) tap_row <= last_tap_row ? '0 : tap_row + 1'b1;
      if (move_now > 3'd2) column <= last_column ? '0 : column + 1'b1;
      if (move_now > 3'd3) row <= last_row ? '0 : row + 1'b1;
      if (move_now > 3'd2) begin
        row_ended   <= move_now == 3'd3 && (row_ended || row_end);
        frame_ended <= move_now != 3'd5 && (frame_ended || final_window);
      end
    end
    if (advance) begin
      move         <= move_next;
      release_code <= release_next;
    end
  end

  if (PADDED) begin : gen_padding

    // Coordinates of the next beat's tap, modulo powers of two: those before 0 are large.
    localparam int unsigned Y_BITS = $clog2(PAD_TOP + HEIGHT + REACH_H);
    localparam int unsigned X_BITS = $clog2(PAD_LEFT + WIDTH + REACH_W);
    localparam int unsigned BACK_H = (KERNEL_H - 1) * DILATION_H;
    localparam int unsigned BACK_W = (KERNEL_W - 1) * DILATION_W;

    logic [Y_BITS-1:0] y;
    logic [X_BITS-1:0] x;

    always_ff @(posedge clk) begin
      if (rst) begin
        y <= -Y_BITS'(PAD_TOP);
        x <= -X_BITS'(PAD_LEFT);
      end else if (advance) begin
        case (move_next)
          3'd1: x <= x + X_BITS'(DILATION_W);
          3'd2: begin
            x <= x - X_BITS'(BACK_W);
            y <= y + Y_BITS'(DILATION_H);
          end
          3'd3: begin
            x <= x - X_BITS'(BACK_W) + X_BITS'(STRIDE_W);
            y <= y - Y_BITS'(BACK_H);
          end
          3'd4: begin
            x <= -X_BITS'(PAD_LEFT);
            y <= y - Y_BITS'(BACK_H) + Y_BITS'(STRIDE_H);
          end
          3'd5: begin
            x <= -X_BITS'(PAD_LEFT);
            y <= -Y_BITS'(PAD_TOP);
          end
          default: ;
        endcase
      end
      if (advance) begin
        outside <= y >= Y_BITS'(HEIGHT) || x >= X_BITS'(WIDTH);
        begins  <= (PAD_TOP != 0 || PAD_LEFT != 0) && (!valid || move == 3'd5);
      end
    end

  end else begin : gen_no_padding
    assign outside = 1'b0;
    assign begins  = 1'b0;
  end

endmodule

`default_nettype wire
