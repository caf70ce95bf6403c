// window_maximum: for each channel the greatest of POSITIONS elements, PE channels a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. A window is POSITIONS pixels of
//             FOLDS beats each; beat i of a pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 beat a cycle in: POSITIONS * FOLDS cycles a window
// Latency     2 cycles, from the beat of the last position
//
// The greatest elements so far wait in a memory of FOLDS words.
`default_nettype none

module window_maximum #(
    parameter int unsigned PE          = 2,
    parameter int unsigned FOLDS       = 3,
    parameter int unsigned POSITIONS   = 4,
    parameter int unsigned INPUT_BITS  = 4,
    parameter bit          INPUT_SIGNED = 1'b0
) (
    input  wire logic                     clk,
    input  wire logic                     rst,
    input  wire logic [PE*INPUT_BITS-1:0] s_axis_tdata,
    input  wire logic                     s_axis_tvalid,
    output      logic                     s_axis_tready,
    output      logic [PE*INPUT_BITS-1:0] m_axis_tdata,
    output      logic                     m_axis_tvalid,
    input  wire logic                     m_axis_tready
);

  localparam int unsigned WIDTH = PE * INPUT_BITS;
  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int unsigned POSITION_BITS = POSITIONS > 1 ? $clog2(POSITIONS) : 1;

  if (PE == 0 || FOLDS == 0 || POSITIONS < 2 || INPUT_BITS == 0) begin : gen_illegal
    $error("window_maximum: PE, FOLDS and INPUT_BITS must be at least 1, POSITIONS at least 2");
  end

  // Everything moves when the output has room.
  logic enable, slice_ready, step;

  assign s_axis_tready = enable;
  assign step          = enable && s_axis_tvalid;

  // Where in the window.
  logic [FOLD_BITS-1:0]     fold;
  logic [POSITION_BITS-1:0] position;
  logic                     last_fold, first_position, last_position;

  assign last_fold      = fold == FOLD_BITS'(FOLDS - 1);
  assign first_position = position == '0;
  assign last_position  = position == POSITION_BITS'(POSITIONS - 1);

  always_ff @(posedge clk) begin
    if (rst) begin
      fold     <= '0;
      position <= '0;
    end else if (step) begin
      fold <= last_fold ? '0 : fold + 1'b1;
      if (last_fold) begin
        position <= last_position ? '0 : position + 1'b1;
      end
    end
  end

  // The greatest so far.
  logic [WIDTH-1:0] partial[FOLDS];
  logic [WIDTH-1:0] held, greatest;

  assign held = partial[fold];

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    logic [INPUT_BITS-1:0] offered, kept;
    logic                  greater;

    assign offered = s_axis_tdata[lane*INPUT_BITS+:INPUT_BITS];
    assign kept    = held[lane*INPUT_BITS+:INPUT_BITS];
    if (INPUT_SIGNED) begin : gen_signed
      assign greater = $signed(offered) > $signed(kept);
    end else begin : gen_unsigned
      assign greater = offered > kept;
    end
    assign greatest[lane*INPUT_BITS+:INPUT_BITS] = first_position || greater ? offered : kept;
  end

  always_ff @(posedge clk) begin
    if (step) begin
      partial[fold] <= greatest;
    end
  end

  // The result of the last position.
  logic [WIDTH-1:0] result;
  logic             valid;

  always_ff @(posedge clk) begin
    if (enable) begin
      result <= greatest;
    end
    if (rst) begin
      valid <= 1'b0;
    end else if (enable) begin
      valid <= step && last_position;
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid;

  skid_buffer #(
      .WIDTH(WIDTH)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(result),
      .s_axis_tvalid(valid),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
