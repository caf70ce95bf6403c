// sliding_window: the windows of an image, one after another, from a line buffer.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting; s_axis_tready comes from registers. In: an
//             image of HEIGHT * WIDTH pixels, row by row, each of FOLDS beats of BITS bits. Out: for each window (row by row)
//             its KERNEL_H * KERNEL_W pixels, row by row; tap (ky, kx) of window (oy, ox) is pixel (oy * STRIDE_H +
//             ky * DILATION_H - PAD_TOP, ox * STRIDE_W + kx * DILATION_W - PAD_LEFT), and PADDING in each of its LANES elements
//             outside of the image. Elements given have OUTPUT_BITS bits, at least as many as those taken.
// Interval    1 beat a cycle on each side, each taken when there is room for it and given when it is there. A frame takes
//             max(input beats, output beats) cycles if DEPTH is large enough: kernels/window_schedule.py computes what is
// Latency     3 cycles from taking the beat that an output beat waits for; a frame begins when its first beat has been taken
// Capacity    DEPTH pixels. The least that works is (SPAN_H-1) * KEPT_W + SPAN_W, where SPAN = (KERNEL-1) * DILATION + 1 and
//             KEPT_W counts the columns under some window; less where padding spares some, but 2 at least
//
// Pixels that no window covers (between windows, where STRIDE exceeds SPAN, and after the last) are taken and dropped. The
// others are numbered on from frame to frame; the buffer is circular, and pixel n lies in place n modulo DEPTH. Padding has
// numbers, too, those of other pixels: so each move from beat to beat adds a constant. Beat n to come may be written when
// n < released + DEPTH * FOLDS, and be read from the cycle after it was written on; `room` and `ahead` are these differences.
`default_nettype none

module sliding_window #(
    parameter int unsigned BITS        = 8,
    parameter int unsigned LANES       = 1,
    parameter int unsigned OUTPUT_BITS = BITS / LANES,
    parameter bit          IS_SIGNED   = 0,
    parameter int          PADDING     = 0,
    parameter int unsigned FOLDS       = 1,
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
    parameter int unsigned DEPTH       = 13,
    parameter              RAM_STYLE   = "auto"
) (
    input  wire logic                         clk,
    input  wire logic                         rst,
    input  wire logic [             BITS-1:0] s_axis_tdata,
    input  wire logic                         s_axis_tvalid,
    output      logic                         s_axis_tready,
    output      logic [LANES*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                         m_axis_tvalid,
    input  wire logic                         m_axis_tready
);

  localparam int unsigned SPAN_H = (KERNEL_H - 1) * DILATION_H + 1;
  localparam int unsigned SPAN_W = (KERNEL_W - 1) * DILATION_W + 1;
  localparam int unsigned OUT_H = (HEIGHT + PAD_TOP + PAD_BOTTOM - SPAN_H) / STRIDE_H + 1;
  localparam int unsigned OUT_W = (WIDTH + PAD_LEFT + PAD_RIGHT - SPAN_W) / STRIDE_W + 1;

  if (BITS == 0 || LANES == 0 || BITS % LANES != 0 || FOLDS == 0 || KERNEL_H == 0 || KERNEL_W == 0 || STRIDE_H == 0 || STRIDE_W == 0 || DILATION_H == 0
      || DILATION_W == 0) begin : gen_illegal_size
    $error("sliding_window: BITS, FOLDS, kernels, strides and dilations must be at least 1, LANES divides BITS");
  end
  if (HEIGHT + PAD_TOP + PAD_BOTTOM < SPAN_H || WIDTH + PAD_LEFT + PAD_RIGHT < SPAN_W) begin : gen_illegal_span
    $error("sliding_window: a window must fit into the padded image");
  end
  if (PAD_TOP >= SPAN_H || PAD_BOTTOM >= SPAN_H || PAD_LEFT >= SPAN_W || PAD_RIGHT >= SPAN_W) begin : gen_illegal_pad
    $error("sliding_window: padding must be less than the span of a window");
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

  // Which windows release what: see window_walk.
  localparam int unsigned ROWS_H = (STEP_H + DILATION_H - 1) / DILATION_H;
  localparam int unsigned RELEASE_ROW = ROWS_H < KERNEL_H ? ROWS_H : KERNEL_H;
  localparam int unsigned FITTING_W = STEP_H * KEPT_W / STEP_W;
  localparam int unsigned ROW_END = FITTING_W < OUT_W ? FITTING_W : OUT_W - 1;
  localparam int unsigned FITTING_H = KEPT_H / STEP_H;
  localparam int unsigned FINAL_ROW = FITTING_H < OUT_H ? FITTING_H : OUT_H - 1;
  localparam int unsigned FINAL_REST = (KEPT_H - FINAL_ROW * STEP_H) * KEPT_W;
  localparam int unsigned FITTING_LAST = FINAL_REST / STEP_W;
  localparam int unsigned FINAL_COLUMN = FITTING_LAST < OUT_W ? FITTING_LAST : OUT_W - 1;

  // Numbers of beats: of the memory, of what the moves add, of what the releases free.
  localparam int WORDS = DEPTH * FOLDS;
  localparam int ORIGIN = (PAD_TOP * KEPT_W + PAD_LEFT) * FOLDS;
  localparam int TAP = DILATION_W * FOLDS;
  localparam int ROW = DILATION_H * KEPT_W * FOLDS;
  localparam int WINDOW = STEP_W * FOLDS;
  localparam int LINE = STEP_H * KEPT_W * FOLDS;
  localparam int FRAME = KEPT_H * KEPT_W * FOLDS;
  localparam int LAST_TAP = (KERNEL_W - 1) * TAP + FOLDS - 1;
  localparam int LAST_ROW = (KERNEL_H - 1) * ROW + LAST_TAP;
  localparam int LAST_WINDOW = (OUT_W - 1) * WINDOW + LAST_ROW;
  localparam int LAST_LINE = (OUT_H - 1) * LINE + LAST_WINDOW;
  localparam int TO_TAP = TAP - (FOLDS - 1);
  localparam int TO_ROW = ROW - LAST_TAP;
  localparam int TO_WINDOW = WINDOW - LAST_ROW;
  localparam int TO_LINE = LINE - LAST_WINDOW;
  localparam int TO_FRAME = FRAME - LAST_LINE;
  localparam int TO_SECOND = FOLDS > 1 ? 1 : KERNEL_W > 1 ? TO_TAP : TO_ROW;
  localparam int END_OF_LINE = LINE - ROW_END * WINDOW;
  localparam int END_OF_FRAME = FRAME - FINAL_ROW * LINE - FINAL_COLUMN * WINDOW;

  localparam int unsigned ADDRESS_BITS = $clog2(WORDS);
  localparam int unsigned COUNT_BITS = $clog2(FRAME + LAST_LINE + 2 * WORDS) + 1;

  if (DEPTH * FOLDS < 2) begin : gen_illegal_depth
    $error("sliding_window: the buffer must have at least two words");
  end

  // The word `distance` words behind the first.
  function automatic int place(input int distance);
    place = (distance % WORDS + WORDS) % WORDS;
  endfunction

  // Input: a beat of a kept pixel needs room.
  logic kept, write;
  logic signed [COUNT_BITS-1:0] room, ahead;

  assign s_axis_tready = !kept || !room[COUNT_BITS-1];
  assign write         = s_axis_tvalid && kept && !room[COUNT_BITS-1];

  if (DROPS) begin : gen_filter
    pixel_filter #(
        .FOLDS(FOLDS),
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
        .advance(s_axis_tvalid && s_axis_tready),
        .kept(kept)
    );
  end else begin : gen_no_filter
    assign kept = 1'b1;
  end

  // Output: a beat of padding is there always, others when they lie behind the next one to be written. A frame begins when its
  // first beat has been taken, so for an output beat that `begins` one, `ahead` is counted from that.
  logic enable, slice_ready, step, valid, outside, begins;
  logic [2:0] move;
  logic [1:0] release_code;

  assign step = enable && valid && (outside && !begins || !ahead[COUNT_BITS-1]);

  window_walk #(
      .FOLDS(FOLDS),
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
      .OUT_W(OUT_W),
      .RELEASE_ROW(RELEASE_ROW),
      .ROW_END(ROW_END),
      .FINAL_ROW(FINAL_ROW),
      .FINAL_COLUMN(FINAL_COLUMN)
  ) walk (
      .clk(clk),
      .rst(rst),
      .step(step),
      .valid(valid),
      .outside(outside),
      .begins(begins),
      .move(move),
      .release_code(release_code)
  );

  logic signed [COUNT_BITS-1:0] distance, freed;
  logic [ADDRESS_BITS-1:0] read_address, write_address, forth, sum;
  logic [ADDRESS_BITS:0] back, difference;

  always_comb begin
    case (move)
      3'd0: {distance, forth} = {COUNT_BITS'(1), ADDRESS_BITS'(1)};
      3'd1: {distance, forth} = {COUNT_BITS'(TO_TAP), ADDRESS_BITS'(place(TO_TAP))};
      3'd2: {distance, forth} = {COUNT_BITS'(TO_ROW), ADDRESS_BITS'(place(TO_ROW))};
      3'd3: {distance, forth} = {COUNT_BITS'(TO_WINDOW), ADDRESS_BITS'(place(TO_WINDOW))};
      3'd4: {distance, forth} = {COUNT_BITS'(TO_LINE), ADDRESS_BITS'(place(TO_LINE))};
      default: {distance, forth} = {COUNT_BITS'(TO_FRAME + ORIGIN), ADDRESS_BITS'(place(TO_FRAME))};
    endcase
    if (begins) distance = COUNT_BITS'(TO_SECOND - ORIGIN);
    case (release_code)
      2'd0: freed = '0;
      2'd1: freed = COUNT_BITS'(WINDOW);
      2'd2: freed = COUNT_BITS'(END_OF_LINE);
      default: freed = COUNT_BITS'(END_OF_FRAME);
    endcase
  end

  // Forth by `forth` words, or back by the others, whichever stays inside the memory.
  assign back       = (ADDRESS_BITS + 1)'(WORDS) - {1'b0, forth};
  assign sum        = read_address + forth;
  assign difference = {1'b0, read_address} - back;

  always_ff @(posedge clk) begin
    if (rst) begin
      room          <= COUNT_BITS'(WORDS - ORIGIN - 1);
      ahead         <= '1;
      read_address  <= ADDRESS_BITS'(place(-ORIGIN));
      write_address <= '0;
    end else begin
      room  <= room - COUNT_BITS'(write) + (step ? freed : '0);
      ahead <= ahead + COUNT_BITS'(write) - (step ? distance : '0);
      if (step) begin
        read_address <= difference[ADDRESS_BITS] ? sum : difference[ADDRESS_BITS-1:0];
      end
      if (write) begin
        write_address <= write_address == ADDRESS_BITS'(WORDS - 1) ? '0 : write_address + 1'b1;
      end
    end
  end

  // The beat that was read in the last cycle.
  logic [BITS-1:0] word;
  logic given, padding;

  simple_dual_port_ram #(
      .WIDTH(BITS),
      .DEPTH(WORDS),
      .RAM_STYLE(RAM_STYLE)
  ) lines (
      .clk(clk),
      .write(write),
      .write_address(write_address),
      .write_data(s_axis_tdata),
      .read(step && !outside),
      .read_address(read_address),
      .data(word)
  );

  always_ff @(posedge clk) begin
    if (rst) begin
      given <= 1'b0;
    end else if (enable) begin
      given <= step;
    end
    if (enable) begin
      padding <= outside;
    end
  end

  logic [LANES*OUTPUT_BITS-1:0] beat;

  pad_select #(
      .LANES(LANES),
      .ELEMENT_BITS(BITS / LANES),
      .OUTPUT_BITS(OUTPUT_BITS),
      .IS_SIGNED(IS_SIGNED),
      .PADDING(PADDING)
  ) select (
      .outside(padding),
      .elements(word),
      .selected(beat)
  );

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !given;

  skid_buffer #(
      .WIDTH(LANES * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(beat),
      .s_axis_tvalid(given),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
