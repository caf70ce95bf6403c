// window_raster: walks the pixels of an image as they are pushed and says which of them complete a window.
//
// Handshake   none: the outputs describe the present push, which `advance` moves on
// Interval    1 push a cycle; frame after frame
// Latency     none
//
// Sizes and strides count kept pixels, see parallel_window. A frame is HEIGHT * WIDTH pixels, then those pushes that the
// last windows need beyond them (`flushes`: a push without a pixel). `emits`: the window with the present pixel in its
// last place is one of the OUT_H * OUT_W; tap (ky, kx) of it is padding where row_outside[ky] or column_outside[kx].
`default_nettype none

module window_raster #(
    parameter int unsigned HEIGHT     = 5,
    parameter int unsigned WIDTH      = 5,
    parameter int unsigned KERNEL_H   = 3,
    parameter int unsigned KERNEL_W   = 3,
    parameter int unsigned STRIDE_H   = 1,
    parameter int unsigned STRIDE_W   = 1,
    parameter int unsigned DILATION_H = 1,
    parameter int unsigned DILATION_W = 1,
    parameter int unsigned PAD_TOP    = 0,
    parameter int unsigned PAD_LEFT   = 0,
    parameter int unsigned OUT_H      = 3,
    parameter int unsigned OUT_W      = 3
) (
    input  wire logic                clk,
    input  wire logic                rst,
    input  wire logic                advance,
    output      logic                flushes,
    output      logic                emits,
    output      logic [KERNEL_H-1:0] row_outside,
    output      logic [KERNEL_W-1:0] column_outside
);

  // Pushes before the one that completes the first window, in whole rows and the rest of the first one.
  localparam int unsigned SPAN_H = (KERNEL_H - 1) * DILATION_H + 1;
  localparam int unsigned SPAN_W = (KERNEL_W - 1) * DILATION_W + 1;
  localparam int unsigned LEAD = (SPAN_H - 1 - PAD_TOP) * WIDTH + SPAN_W - 1 - PAD_LEFT;
  localparam int unsigned LEAD_ROWS = (LEAD + WIDTH - 1) / WIDTH;
  localparam int unsigned FIRST_COLUMN = LEAD_ROWS * WIDTH - LEAD;
  // The push of the last pixel, and the one that completes the last window.
  localparam int unsigned LAST_PIXEL = FIRST_COLUMN + HEIGHT * WIDTH - 1;
  localparam int unsigned LAST_ROW = LEAD_ROWS + (OUT_H - 1) * STRIDE_H;
  localparam int unsigned LAST_COLUMN = (OUT_W - 1) * STRIDE_W;
  localparam bit FLUSHES = LAST_ROW * WIDTH + LAST_COLUMN > LAST_PIXEL;

  localparam int unsigned ROW_BITS = $clog2(LAST_ROW + 2);
  localparam int unsigned COLUMN_BITS = WIDTH > 1 ? $clog2(WIDTH) : 1;
  localparam int unsigned ROW_WAIT_BITS = $clog2((LEAD_ROWS > STRIDE_H ? LEAD_ROWS : STRIDE_H) + 1);
  localparam int unsigned COLUMN_WAIT_BITS = $clog2(STRIDE_W + 1);

  if (PAD_TOP >= SPAN_H || PAD_LEFT >= SPAN_W || LAST_COLUMN >= WIDTH || LAST_ROW * WIDTH + LAST_COLUMN < LAST_PIXEL)
  begin : gen_illegal
    $error("window_raster: padding must be less than a window, and the windows must cover the image");
  end

  // Row and column of the window's first place, counted from the first push's row on, and from the first window's column.
  logic [ROW_BITS-1:0]         row;
  logic [COLUMN_BITS-1:0]      column;
  logic [ROW_WAIT_BITS-1:0]    row_wait;
  logic [COLUMN_WAIT_BITS-1:0] column_wait;
  logic row_full, last_column, last_push;

  assign last_column = column == COLUMN_BITS'(WIDTH - 1);
  assign last_push   = row == ROW_BITS'(LAST_ROW) && column == COLUMN_BITS'(LAST_COLUMN);
  assign emits       = row_wait == '0 && column_wait == '0 && !row_full;

  always_ff @(posedge clk) begin
    if (rst || (advance && last_push)) begin
      row         <= '0;
      column      <= COLUMN_BITS'(FIRST_COLUMN);
      row_wait    <= ROW_WAIT_BITS'(LEAD_ROWS);
      column_wait <= '0;
      row_full    <= 1'b0;
    end else if (advance) begin
      if (last_column) begin
        row         <= row + 1'b1;
        column      <= '0;
        row_wait    <= row_wait == '0 ? ROW_WAIT_BITS'(STRIDE_H - 1) : row_wait - 1'b1;
        column_wait <= '0;
        row_full    <= 1'b0;
      end else begin
        column      <= column + 1'b1;
        column_wait <= column_wait == '0 ? COLUMN_WAIT_BITS'(STRIDE_W - 1) : column_wait - 1'b1;
        row_full    <= row_full || column == COLUMN_BITS'(LAST_COLUMN);
      end
    end
  end

  if (FLUSHES) begin : gen_flushes
    always_ff @(posedge clk) begin
      if (rst) begin
        flushes <= 1'b0;
      end else if (advance) begin
        flushes <= !last_push && (flushes || (row == ROW_BITS'(LAST_PIXEL / WIDTH)
                                              && column == COLUMN_BITS'(LAST_PIXEL % WIDTH)));
      end
    end
  end else begin : gen_no_flushes
    assign flushes = 1'b0;
  end

  // Coordinates of taps, modulo powers of two: those before 0 are large.
  localparam int unsigned Y_BITS = $clog2(LEAD_ROWS + PAD_TOP + HEIGHT + LAST_ROW + SPAN_H);
  localparam int unsigned X_BITS = $clog2(PAD_LEFT + 2 * WIDTH + SPAN_W);

  for (genvar k = 0; k < KERNEL_H; k++) begin : gen_row
    if (k * DILATION_H < PAD_TOP || (OUT_H - 1) * STRIDE_H + k * DILATION_H >= PAD_TOP + HEIGHT) begin : gen_padding
      logic [Y_BITS-1:0] y;

      assign y = Y_BITS'(row) + Y_BITS'(k * DILATION_H) - Y_BITS'(LEAD_ROWS + PAD_TOP);
      assign row_outside[k] = y >= Y_BITS'(HEIGHT);
    end else begin : gen_inside
      assign row_outside[k] = 1'b0;
    end
  end

  for (genvar k = 0; k < KERNEL_W; k++) begin : gen_column
    if (k * DILATION_W < PAD_LEFT || LAST_COLUMN + k * DILATION_W >= PAD_LEFT + WIDTH) begin : gen_padding
      logic [X_BITS-1:0] x;

      assign x = X_BITS'(column) + X_BITS'(k * DILATION_W) - X_BITS'(PAD_LEFT);
      assign column_outside[k] = x >= X_BITS'(WIDTH);
    end else begin : gen_inside
      assign column_outside[k] = 1'b0;
    end
  end

endmodule

`default_nettype wire
