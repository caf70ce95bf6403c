// parallel_window_maximum: for each channel the greatest of the POSITIONS elements of a window, a window a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. A beat in is a window: POSITIONS
//             pixels of CHANNELS elements, pixel after pixel from the low bits on; a beat out is the CHANNELS greatest
// Interval    1 cycle a window
// Latency     1 + ceil(log2(POSITIONS)) cycles
`default_nettype none

module parallel_window_maximum #(
    parameter int unsigned CHANNELS     = 2,
    parameter int unsigned POSITIONS    = 4,
    parameter int unsigned INPUT_BITS   = 4,
    parameter bit          INPUT_SIGNED = 1'b0
) (
    input  wire logic                                     clk,
    input  wire logic                                     rst,
    input  wire logic [POSITIONS*CHANNELS*INPUT_BITS-1:0] s_axis_tdata,
    input  wire logic                                     s_axis_tvalid,
    output      logic                                     s_axis_tready,
    output      logic [CHANNELS*INPUT_BITS-1:0]           m_axis_tdata,
    output      logic                                     m_axis_tvalid,
    input  wire logic                                     m_axis_tready
);

  localparam int unsigned LEVELS = $clog2(POSITIONS);

  if (CHANNELS == 0 || POSITIONS < 2 || INPUT_BITS == 0) begin : gen_illegal
    $error("parallel_window_maximum: CHANNELS and INPUT_BITS must be at least 1, POSITIONS at least 2");
  end

  // Everything moves when the output has room.
  logic enable, slice_ready;
  logic [LEVELS:0] valid;

  assign s_axis_tready = enable;
  assign valid[0]      = s_axis_tvalid;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid[LEVELS:1] <= '0;
    end else if (enable) begin
      valid[LEVELS:1] <= valid[LEVELS-1:0];
    end
  end

  // Signed numbers are compared with the sign bit inverted.
  localparam logic [INPUT_BITS-1:0] SIGN = INPUT_BITS'(INPUT_SIGNED) << (INPUT_BITS - 1);

  logic [CHANNELS*INPUT_BITS-1:0] greatest;

  for (genvar channel = 0; channel < CHANNELS; channel++) begin : gen_channel
    logic [POSITIONS*INPUT_BITS-1:0] keys;
    logic [INPUT_BITS-1:0]           key;
    logic [$clog2(POSITIONS)-1:0]    place;

    for (genvar p = 0; p < POSITIONS; p++) begin : gen_position
      assign keys[p*INPUT_BITS+:INPUT_BITS] = s_axis_tdata[(p*CHANNELS+channel)*INPUT_BITS+:INPUT_BITS] ^ SIGN;
    end

    max_tree #(
        .COUNT(POSITIONS),
        .WIDTH(INPUT_BITS)
    ) tree (
        .clk(clk),
        .enable(enable),
        .keys(keys),
        .greatest(key),
        .index(place)
    );

    assign greatest[channel*INPUT_BITS+:INPUT_BITS] = key ^ SIGN;
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid[LEVELS];

  skid_buffer #(
      .WIDTH(CHANNELS * INPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(greatest),
      .s_axis_tvalid(valid[LEVELS]),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
