// phased_window: the windows of an image, each with its own taps and group by group, from a line buffer.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting; s_axis_tready comes from registers. In: an
//             image, row by row, each pixel of GROUPS * FOLDS beats of BITS bits. Out: OUT_H rows of OUT_W windows; a window has
//             for each group its pixels, row by row, of each the FOLDS beats of the group; outside of the image PADDING in each
//             of the LANES elements of a beat. Elements given have OUTPUT_BITS bits, at least as many as those taken.
// Interval    1 beat a cycle on each side, each side by itself: a beat is taken as soon as there is room for it, given as
//             soon as it is there. A frame takes max(input beats, output beats) cycles if the buffer is large enough for that;
//             what is enough, and the cycles where it is not, are computed by kernels/window_schedule.py
// Latency     3 cycles from taking the beat that an output beat waits for; a frame begins when its first beat has been taken
// Capacity    WORDS beats. The least that works is what lies between the first and the last tap of a window, less where other
//             windows need nothing of it any more
//
// The beats of the image are numbered on from frame to frame. ROWS_FILE holds a word for each row of windows, COLUMNS_FILE for
// each of a row; upwards: number of taps less 1, first and last tap that lies inside of the image (TAP_BITS each; 1 and 0 where
// none does), the way from the first tap to that of the next, and how many beats are freed by all windows of the row, by the
// window (COUNT_BITS each, in beats). Windows free something only in rows that do; KEPT is what all but the last of a row free.
// Taps are TAP beats from each other, rows of taps ROW. The first tap of a frame has the number ORIGIN in it and, where BEGINS,
// is padding; FIRST_MOVE, SECOND and FIRST_FREED: see phased_walk. Beat n to come may be written when n < released + WORDS, and be read from the cycle after it was written on;
// `room` and `ahead` are these differences, so a beat lies `ahead` + 1 words before the one to be written next.
`default_nettype none

module phased_window #(
    parameter int unsigned BITS        = 8,
    parameter int unsigned LANES       = 1,
    parameter int unsigned OUTPUT_BITS = BITS / LANES,
    parameter bit          IS_SIGNED   = 0,
    parameter int          PADDING     = 0,
    parameter int unsigned FOLDS       = 1,
    parameter int unsigned GROUPS      = 1,
    parameter int unsigned OUT_H       = 3,
    parameter int unsigned OUT_W       = 3,
    parameter int unsigned TAP_BITS    = 2,
    parameter int unsigned COUNT_BITS  = 8,
    parameter int unsigned TAP         = 1,
    parameter int unsigned ROW         = 5,
    parameter int unsigned ORIGIN      = 0,
    parameter bit          BEGINS      = 0,
    parameter int unsigned FIRST_MOVE  = 1,
    parameter int unsigned SECOND      = 1,
    parameter int unsigned FIRST_FREED = 0,
    parameter int unsigned KEPT        = 2,
    parameter int unsigned WORDS       = 13,
    parameter              RAM_STYLE   = "auto",
    parameter              ROWS_FILE   = "",
    parameter              COLUMNS_FILE= ""
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

  localparam int unsigned ADDRESS_BITS = $clog2(WORDS);

  if (BITS == 0 || LANES == 0 || BITS % LANES != 0 || WORDS < 2) begin : gen_illegal
    $error("phased_window: BITS must be at least 1 and WORDS at least 2, LANES divides BITS");
  end
  if (COUNT_BITS < ADDRESS_BITS + 2) begin : gen_illegal_count
    $error("phased_window: COUNT_BITS must be wide enough for two frames and WORDS");
  end

  // Input: a beat needs room.
  logic write;
  logic [COUNT_BITS-1:0] room, ahead;

  assign s_axis_tready = !room[COUNT_BITS-1];
  assign write         = s_axis_tvalid && s_axis_tready;

  // Output: a beat of padding is there always, others when they lie behind the next one to be written.
  logic enable, slice_ready, step, valid, outside, begins;
  logic [COUNT_BITS-1:0] distance, freed;

  assign step = enable && valid && (outside && !begins || !ahead[COUNT_BITS-1]);

  phased_walk #(
      .FOLDS(FOLDS),
      .GROUPS(GROUPS),
      .OUT_H(OUT_H),
      .OUT_W(OUT_W),
      .TAP_BITS(TAP_BITS),
      .COUNT_BITS(COUNT_BITS),
      .TAP(TAP),
      .ROW(ROW),
      .ORIGIN(ORIGIN),
      .BEGINS(BEGINS),
      .FIRST_MOVE(FIRST_MOVE),
      .SECOND(SECOND),
      .FIRST_FREED(FIRST_FREED),
      .KEPT(KEPT),
      .ROWS_FILE(ROWS_FILE),
      .COLUMNS_FILE(COLUMNS_FILE)
  ) walk (
      .clk(clk),
      .rst(rst),
      .step(step),
      .valid(valid),
      .outside(outside),
      .begins(begins),
      .distance(distance),
      .freed(freed)
  );

  logic [ADDRESS_BITS-1:0] write_address;

  always_ff @(posedge clk) begin
    if (rst) begin
      room          <= COUNT_BITS'(WORDS - 1);
      ahead         <= BEGINS ? '1 : ~COUNT_BITS'(ORIGIN);
      write_address <= '0;
    end else begin
      room  <= room - COUNT_BITS'(write) + (step ? freed : '0);
      ahead <= ahead + COUNT_BITS'(write) - (step ? distance : '0);
      if (write) begin
        write_address <= write_address == ADDRESS_BITS'(WORDS - 1) ? '0 : write_address + 1'b1;
      end
    end
  end

  // Back by `ahead` + 1 words, around the end of the memory where that is beyond its beginning.
  logic [ADDRESS_BITS:0]   back;
  logic [ADDRESS_BITS-1:0] read_address;

  assign back         = {1'b0, write_address} + ~ahead[ADDRESS_BITS:0];
  assign read_address = back[ADDRESS_BITS] ? back[ADDRESS_BITS-1:0] + ADDRESS_BITS'(WORDS) : back[ADDRESS_BITS-1:0];

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
