// stream_pad: an image with padding on its four sides.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. In: HEIGHT * WIDTH pixels, row by
//             row, each of FOLDS beats of LANES elements. Out: PAD_TOP rows, PAD_LEFT pixels before and PAD_RIGHT behind each
//             row, PAD_BOTTOM rows more, each element of them PADDING. Elements given have OUTPUT_BITS bits, at least as many
//             as those taken.
// Interval    1 beat a cycle out: (PAD_TOP + HEIGHT + PAD_BOTTOM) * (PAD_LEFT + WIDTH + PAD_RIGHT) * FOLDS cycles a frame
// Latency     1 cycle; a frame begins when its first beat is there, which is taken at once
`default_nettype none

module stream_pad #(
    parameter int unsigned LANES        = 2,
    parameter int unsigned ELEMENT_BITS = 4,
    parameter int unsigned OUTPUT_BITS  = 4,
    parameter bit          IS_SIGNED    = 0,
    parameter int          PADDING      = 0,
    parameter int unsigned FOLDS        = 3,
    parameter int unsigned HEIGHT       = 4,
    parameter int unsigned WIDTH        = 5,
    parameter int unsigned PAD_TOP      = 1,
    parameter int unsigned PAD_LEFT     = 1,
    parameter int unsigned PAD_BOTTOM   = 1,
    parameter int unsigned PAD_RIGHT    = 1
) (
    input  wire logic                          clk,
    input  wire logic                          rst,
    input  wire logic [LANES*ELEMENT_BITS-1:0] s_axis_tdata,
    input  wire logic                          s_axis_tvalid,
    output      logic                          s_axis_tready,
    output      logic [ LANES*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                          m_axis_tvalid,
    input  wire logic                          m_axis_tready
);

  localparam int unsigned ROWS = PAD_TOP + HEIGHT + PAD_BOTTOM;
  localparam int unsigned COLUMNS = PAD_LEFT + WIDTH + PAD_RIGHT;
  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int unsigned COLUMN_BITS = COLUMNS > 1 ? $clog2(COLUMNS) : 1;
  localparam int unsigned ROW_BITS = ROWS > 1 ? $clog2(ROWS) : 1;
  localparam bit BEFORE = PAD_TOP > 0 || PAD_LEFT > 0;

  if (LANES == 0 || ELEMENT_BITS == 0 || FOLDS == 0 || HEIGHT == 0 || WIDTH == 0) begin : gen_illegal
    $error("stream_pad: LANES, ELEMENT_BITS, FOLDS, HEIGHT and WIDTH must be at least 1");
  end

  // A beat of padding needs nothing, but for the first of a frame.
  logic enable, step, takes, outside, begins, holds;

  assign takes         = begins || !(outside || holds);
  assign s_axis_tready = enable && takes;
  assign step          = enable && (s_axis_tvalid || !takes);

  // Where in the padded image.
  logic [FOLD_BITS-1:0]   fold;
  logic [COLUMN_BITS-1:0] column, next_column;
  logic [ROW_BITS-1:0]    row, next_row;
  logic last_fold, last_column, last_row;

  assign last_fold   = fold == FOLD_BITS'(FOLDS - 1);
  assign last_column = column == COLUMN_BITS'(COLUMNS - 1);
  assign last_row    = row == ROW_BITS'(ROWS - 1);
  assign next_column = !last_fold ? column : last_column ? '0 : column + 1'b1;
  assign next_row    = !(last_fold && last_column) ? row : last_row ? '0 : row + 1'b1;

  always_ff @(posedge clk) begin
    if (rst) begin
      fold    <= '0;
      column  <= '0;
      row     <= '0;
      outside <= BEFORE;
      begins  <= BEFORE;
    end else if (step) begin
      fold    <= last_fold ? '0 : fold + 1'b1;
      column  <= next_column;
      row     <= next_row;
      outside <= (PAD_TOP > 0 && next_row < ROW_BITS'(PAD_TOP))
                 || (PAD_BOTTOM > 0 && next_row >= ROW_BITS'(ROWS - PAD_BOTTOM))
                 || (PAD_LEFT > 0 && next_column < COLUMN_BITS'(PAD_LEFT))
                 || (PAD_RIGHT > 0 && next_column >= COLUMN_BITS'(COLUMNS - PAD_RIGHT));
      begins  <= BEFORE && last_fold && last_column && last_row;
    end
  end

  // The first beat of a frame waits here for its place.
  logic [LANES*ELEMENT_BITS-1:0] elements;

  if (BEFORE) begin : gen_held
    logic [LANES*ELEMENT_BITS-1:0] held;

    always_ff @(posedge clk) begin
      if (rst) begin
        holds <= 1'b0;
      end else if (step) begin
        holds <= begins || (holds && outside);
      end
      if (step && begins) begin
        held <= s_axis_tdata;
      end
    end

    assign elements = holds ? held : s_axis_tdata;
  end else begin : gen_not_held
    assign holds    = 1'b0;
    assign elements = s_axis_tdata;
  end

  logic [LANES*OUTPUT_BITS-1:0] beat;

  pad_select #(
      .LANES(LANES),
      .ELEMENT_BITS(ELEMENT_BITS),
      .OUTPUT_BITS(OUTPUT_BITS),
      .IS_SIGNED(IS_SIGNED),
      .PADDING(PADDING)
  ) select (
      .outside(outside),
      .elements(elements),
      .selected(beat)
  );

  skid_buffer #(
      .WIDTH(LANES * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(beat),
      .s_axis_tvalid(step),
      .s_axis_tready(enable),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
