// parallel_window: the windows of an image, each in one beat.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting; s_axis_tready and m_axis_tvalid come from
//             registers. In: an image of HEIGHT * WIDTH pixels of BITS bits, row by row. Out: for each window (row by row)
//             its KERNEL_H * KERNEL_W pixels, row by row from the low bits on; tap (ky, kx) of window (oy, ox) is pixel
//             (oy * STRIDE_H + ky * DILATION_H - PAD_TOP, ox * STRIDE_W + kx * DILATION_W - PAD_LEFT), and PADDING in each of its
//             LANES elements outside. Elements given have OUTPUT_BITS bits, at least as many as those taken.
// Interval    HEIGHT * WIDTH cycles a frame, and one for each push without a pixel that brings the last windows into place:
//             PAD_BOTTOM * KEPT_W + PAD_RIGHT, less where rows or columns of the padding lie under no window
// Latency     2 cycles from taking the last pixel of a window
// Capacity    (SPAN_H-1) * KEPT_W + SPAN_W pixels: SPAN_W registers for each row of taps, the rest in a delay line; SPAN is
//             (KERNEL-1) * DILATION + 1, KEPT_W counts the columns under some window
//
// Pixels that no window covers are taken and dropped. The others move through one chain, row after row of taps; a row of
// windows runs into the next one, so padding at the right end shows pixels of the next row, which are masked.
`default_nettype none

module parallel_window #(
    parameter int unsigned BITS        = 8,
    parameter int unsigned LANES       = 1,
    parameter int unsigned OUTPUT_BITS = BITS / LANES,
    parameter bit          IS_SIGNED   = 0,
    parameter int          PADDING     = 0,
    parameter int unsigned HEIGHT      = 5,
    parameter int unsigned WIDTH       = 5,
    parameter int unsigned KERNEL_H    = 3,
    parameter int unsigned KERNEL_W    = 3,
    parameter int unsigned STRIDE_H    = 1,
    parameter int unsigned STRIDE_W    = 1,
    parameter int unsigned DILATION_H  = 1,
    parameter int unsigned DILATION_W  = 1,
    parameter int unsigned PAD_TOP     = 0,
    parameter int unsigned PAD_LEFT    = 0,
    parameter int unsigned PAD_BOTTOM  = 0,
    parameter int unsigned PAD_RIGHT   = 0,
    parameter              RAM_STYLE   = "auto"
) (
    input  wire logic                                           clk,
    input  wire logic                                           rst,
    input  wire logic [BITS-1:0]                                s_axis_tdata,
    input  wire logic                                           s_axis_tvalid,
    output      logic                                           s_axis_tready,
    output      logic [KERNEL_H*KERNEL_W*LANES*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                                           m_axis_tvalid,
    input  wire logic                                           m_axis_tready
);

  localparam int unsigned SPAN_H = (KERNEL_H - 1) * DILATION_H + 1;
  localparam int unsigned SPAN_W = (KERNEL_W - 1) * DILATION_W + 1;
  localparam int unsigned OUT_H = (HEIGHT + PAD_TOP + PAD_BOTTOM - SPAN_H) / STRIDE_H + 1;
  localparam int unsigned OUT_W = (WIDTH + PAD_LEFT + PAD_RIGHT - SPAN_W) / STRIDE_W + 1;

  if (BITS == 0 || LANES == 0 || BITS % LANES != 0 || KERNEL_H == 0 || KERNEL_W == 0 || STRIDE_H == 0 || STRIDE_W == 0 || DILATION_H == 0 || DILATION_W == 0)
  begin : gen_illegal_size
    $error("parallel_window: BITS, kernels, strides and dilations must be at least 1, LANES divides BITS");
  end
  if (HEIGHT + PAD_TOP + PAD_BOTTOM < SPAN_H || WIDTH + PAD_LEFT + PAD_RIGHT < SPAN_W) begin : gen_illegal_span
    $error("parallel_window: a window must fit into the padded image");
  end
  if (PAD_TOP >= SPAN_H || PAD_BOTTOM >= SPAN_H || PAD_LEFT + PAD_RIGHT >= SPAN_W) begin : gen_illegal_pad
    $error("parallel_window: padding must be less than the span of a window, left and right padding together");
  end

  // Rows and columns under some window, and how many of them lie between windows.
  localparam int unsigned LAST_H = (OUT_H - 1) * STRIDE_H + SPAN_H - PAD_TOP;
  localparam int unsigned LAST_W = (OUT_W - 1) * STRIDE_W + SPAN_W - PAD_LEFT;
  localparam int unsigned USED_H = LAST_H < HEIGHT ? LAST_H : HEIGHT;
  localparam int unsigned USED_W = LAST_W < WIDTH ? LAST_W : WIDTH;
  localparam int unsigned STEP_H = STRIDE_H < SPAN_H ? STRIDE_H : SPAN_H;
  localparam int unsigned STEP_W = STRIDE_W < SPAN_W ? STRIDE_W : SPAN_W;
  localparam int unsigned TURN_H = (PAD_TOP + USED_H) % STRIDE_H;
  localparam int unsigned TURN_W = (PAD_LEFT + USED_W) % STRIDE_W;
  localparam int unsigned KEPT_H =
      (PAD_TOP + USED_H) / STRIDE_H * STEP_H + (TURN_H < STEP_H ? TURN_H : STEP_H) - PAD_TOP;
  localparam int unsigned KEPT_W =
      (PAD_LEFT + USED_W) / STRIDE_W * STEP_W + (TURN_W < STEP_W ? TURN_W : STEP_W) - PAD_LEFT;
  localparam bit DROPS = USED_H < HEIGHT || USED_W < WIDTH || STEP_H < STRIDE_H || STEP_W < STRIDE_W;

  if (KERNEL_H > 1 && DILATION_H * KEPT_W < SPAN_W) begin : gen_illegal_width
    $error("parallel_window: rows of taps must not overlap, the image is too narrow for that");
  end

  // A push moves the chain. It needs a pixel, but for flushes, and the output must not be waiting.
  logic [BITS-1:0] pixel;
  logic pixel_valid, kept, free, flushes, push, emits;

  assign free = m_axis_tready || !m_axis_tvalid;
  assign push = free && (flushes || (pixel_valid && kept));

  skid_buffer #(
      .WIDTH(BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata),
      .s_axis_tvalid(s_axis_tvalid),
      .s_axis_tready(s_axis_tready),
      .m_axis_tdata(pixel),
      .m_axis_tvalid(pixel_valid),
      .m_axis_tready(free && !flushes)
  );

  if (DROPS) begin : gen_filter
    pixel_filter #(
        .HEIGHT(HEIGHT),
        .WIDTH(WIDTH),
        .STRIDE_H(STRIDE_H),
        .STRIDE_W(STRIDE_W),
        .SPAN_H(SPAN_H),
        .SPAN_W(SPAN_W),
        .PAD_TOP(PAD_TOP),
        .PAD_LEFT(PAD_LEFT),
        .USED_H(USED_H),
        .USED_W(USED_W)
    ) filter (
        .clk(clk),
        .rst(rst),
        .advance(pixel_valid && free && !flushes),
        .kept(kept)
    );
  end else begin : gen_no_filter
    assign kept = 1'b1;
  end

  logic [KERNEL_H-1:0] row_outside, row_masked;
  logic [KERNEL_W-1:0] column_outside, column_masked;

  window_raster #(
      .HEIGHT(KEPT_H),
      .WIDTH(KEPT_W),
      .KERNEL_H(KERNEL_H),
      .KERNEL_W(KERNEL_W),
      .STRIDE_H(STEP_H),
      .STRIDE_W(STEP_W),
      .DILATION_H(DILATION_H),
      .DILATION_W(DILATION_W),
      .PAD_TOP(PAD_TOP),
      .PAD_LEFT(PAD_LEFT),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W)
  ) raster (
      .clk(clk),
      .rst(rst),
      .advance(push),
      .flushes(flushes),
      .emits(emits),
      .row_outside(row_outside),
      .column_outside(column_outside)
  );

  always_ff @(posedge clk) begin
    if (rst) begin
      m_axis_tvalid <= 1'b0;
    end else if (free) begin
      m_axis_tvalid <= push && emits;
    end
    if (push) begin
      row_masked    <= row_outside;
      column_masked <= column_outside;
    end
  end

  // The chain: SPAN_W places for each row of taps, place 0 the oldest, from which the delay line leads to the row above.
  logic [KERNEL_H*SPAN_W*BITS-1:0] places;
  logic [KERNEL_H*BITS-1:0] newest;

  always_ff @(posedge clk) begin
    if (push) begin
      newest[(KERNEL_H-1)*BITS+:BITS] <= pixel;
    end
  end

  for (genvar r = 0; r < KERNEL_H; r++) begin : gen_row
    assign places[((r+1)*SPAN_W-1)*BITS+:BITS] = newest[r*BITS+:BITS];

    if (SPAN_W > 1) begin : gen_places
      always_ff @(posedge clk) begin
        if (push) begin
          places[r*SPAN_W*BITS+:(SPAN_W-1)*BITS] <= places[(r*SPAN_W+1)*BITS+:(SPAN_W-1)*BITS];
        end
      end
    end

    for (genvar c = 0; c < KERNEL_W; c++) begin : gen_tap
      pad_select #(
          .LANES(LANES),
          .ELEMENT_BITS(BITS / LANES),
          .OUTPUT_BITS(OUTPUT_BITS),
          .IS_SIGNED(IS_SIGNED),
          .PADDING(PADDING)
      ) select (
          .outside(row_masked[r] || column_masked[c]),
          .elements(places[(r*SPAN_W+c*DILATION_W)*BITS+:BITS]),
          .selected(m_axis_tdata[(r*KERNEL_W+c)*LANES*OUTPUT_BITS+:LANES*OUTPUT_BITS])
      );
    end
  end

  if (KERNEL_H > 1) begin : gen_lines
    logic [(KERNEL_H-1)*BITS-1:0] oldest;

    for (genvar r = 1; r < KERNEL_H; r++) begin : gen_oldest
      assign oldest[(r-1)*BITS+:BITS] = places[r*SPAN_W*BITS+:BITS];
    end

    delay_line #(
        .WIDTH((KERNEL_H - 1) * BITS),
        .DEPTH(DILATION_H * KEPT_W - SPAN_W),
        .RAM_STYLE(RAM_STYLE)
    ) lines (
        .clk(clk),
        .rst(rst),
        .advance(push),
        .source(oldest),
        .data(newest[(KERNEL_H-1)*BITS-1:0])
    );
  end

endmodule

`default_nettype wire
