// argmax: index of the greatest of ELEMENTS elements, LANES of them a beat.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. ELEMENTS/LANES beats in, one out.
// Interval    ELEMENTS/LANES cycles a frame
// Latency     2 + OFFSETS + ceil(log2(LANES)) + (LANES < ELEMENTS ? 1 : 0) cycles from the last beat's step: operands, keys,
//             a compare tree with a register behind every level, the running maximum, the output slice
//
// Elements are compared by their keys: x itself, or where OFFSETS x * 2**SHIFT + the element's offset modulo 2**KEY_BITS as
// an unsigned number. Of equal keys the first wins, or where SELECT_LAST the last. OFFSETS_FILE holds ELEMENTS/LANES words,
// field p of a word the offset for lane p.
`default_nettype none

module argmax #(
    parameter int unsigned ELEMENTS     = 10,
    parameter int unsigned LANES        = 5,
    parameter int unsigned INPUT_BITS   = 8,
    parameter bit          INPUT_SIGNED = 1,
    parameter int unsigned KEY_BITS     = 8,
    parameter bit          OFFSETS      = 0,
    parameter int unsigned SHIFT        = 0,
    parameter bit          SELECT_LAST  = 0,
    parameter              OFFSETS_FILE = "",
    localparam int unsigned INDEX_BITS = ELEMENTS > 1 ? $clog2(ELEMENTS) : 1
) (
    input  wire logic                        clk,
    input  wire logic                        rst,
    input  wire logic [LANES*INPUT_BITS-1:0] s_axis_tdata,
    input  wire logic                        s_axis_tvalid,
    output      logic                        s_axis_tready,
    output      logic [INDEX_BITS-1:0]       m_axis_tdata,
    output      logic                        m_axis_tvalid,
    input  wire logic                        m_axis_tready
);

  localparam int unsigned BEATS = ELEMENTS / LANES;
  localparam int unsigned BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam int unsigned PLACE_BITS = LANES > 1 ? $clog2(LANES) : 1;
  // Cycles from the step to the greatest of the beat.
  localparam int unsigned STAGES = 1 + OFFSETS + $clog2(LANES);

  if (LANES == 0 || ELEMENTS == 0 || ELEMENTS % LANES != 0) begin : gen_illegal_folding
    $error("argmax: LANES must divide ELEMENTS");
  end
  if (!OFFSETS && KEY_BITS != INPUT_BITS) begin : gen_illegal_key
    $error("argmax: KEY_BITS must be INPUT_BITS where there are no OFFSETS");
  end

  // Everything moves when the output has room.
  logic enable, slice_ready, step;

  assign s_axis_tready = enable;
  assign step          = enable && s_axis_tvalid;

  // Operands.
  logic [STAGES:1]             valid;
  logic [LANES*INPUT_BITS-1:0] inputs;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= STAGES'({valid, step});
    end
    if (enable) begin
      inputs <= s_axis_tdata;
    end
  end

  // Keys.
  logic [LANES*KEY_BITS-1:0] keys;

  if (OFFSETS) begin : gen_offsets
    logic [BEAT_BITS-1:0]      beat;
    logic [LANES*KEY_BITS-1:0] offsets, sums;

    always_ff @(posedge clk) begin
      if (rst) begin
        beat <= '0;
      end else if (step) begin
        beat <= beat == BEAT_BITS'(BEATS - 1) ? '0 : beat + 1'b1;
      end
    end

    rom #(
        .WIDTH(LANES * KEY_BITS),
        .DEPTH(BEATS),
        .RAM_STYLE("distributed"),
        .FILE(OFFSETS_FILE)
    ) offset_memory (
        .clk(clk),
        .enable(enable),
        .address(beat),
        .data(offsets)
    );

    for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
      logic signed [INPUT_BITS:0] x;

      assign x = {INPUT_SIGNED & inputs[(lane+1)*INPUT_BITS-1], inputs[lane*INPUT_BITS+:INPUT_BITS]};
      assign sums[lane*KEY_BITS+:KEY_BITS] = (KEY_BITS'(x) << SHIFT) + offsets[lane*KEY_BITS+:KEY_BITS];
    end

    always_ff @(posedge clk) begin
      if (enable) begin
        keys <= sums;
      end
    end
  end else begin : gen_plain
    logic [INPUT_BITS-1:0] sign;

    assign sign = INPUT_BITS'(INPUT_SIGNED) << (INPUT_BITS - 1);
    assign keys = inputs ^ {LANES{sign}};
  end

  // The greatest of a beat.
  logic [KEY_BITS-1:0]   greatest;
  logic [PLACE_BITS-1:0] place;

  max_tree #(
      .COUNT(LANES),
      .WIDTH(KEY_BITS),
      .SELECT_LAST(SELECT_LAST)
  ) tree (
      .clk(clk),
      .enable(enable),
      .keys(keys),
      .greatest(greatest),
      .index(place)
  );

  // The greatest of a frame.
  logic [INDEX_BITS-1:0] index;
  logic                  finished;

  if (BEATS > 1) begin : gen_running
    logic [INDEX_BITS-1:0] base;
    logic [KEY_BITS-1:0]   best;
    logic                  first, last, better;

    assign first  = base == '0;
    assign last   = base == INDEX_BITS'(ELEMENTS - LANES);
    assign better = SELECT_LAST ? greatest >= best : greatest > best;

    always_ff @(posedge clk) begin
      if (rst) begin
        base     <= '0;
        finished <= 1'b0;
      end else if (enable) begin
        finished <= valid[STAGES] && last;
        if (valid[STAGES]) begin
          base <= last ? '0 : base + INDEX_BITS'(LANES);
        end
      end
      if (enable && valid[STAGES] && (first || better)) begin
        best  <= greatest;
        index <= base + INDEX_BITS'(place);
      end
    end
  end else begin : gen_single
    assign index    = INDEX_BITS'(place);
    assign finished = valid[STAGES];
  end

  // Output.
  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !finished;

  skid_buffer #(
      .WIDTH(INDEX_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(index),
      .s_axis_tvalid(finished),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
