// argmax: index of the greatest of ELEMENTS elements, LANES of them a beat.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. ELEMENTS/LANES beats in, one out.
// Interval    ELEMENTS/LANES cycles a frame
// Latency     from the step of the last beat to the output: 2 + ceil(log2(LANES)) + (ELEMENTS > LANES ? 1 : 0) cycles:
//             keys, a compare tree with a register behind every level, the running maximum, the output slice
//
// Elements are compared by their keys: x itself, or where OFFSETS x * 2**SHIFT + offset of the element, which must fit
// KEY_BITS signed bits. Of equal keys the first wins, or where SELECT_LAST the last. OFFSETS_FILE holds ELEMENTS/LANES words,
// field p of a word the offset of lane p in KEY_BITS bits.
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
  localparam int unsigned LEVELS = $clog2(LANES);

  if (LANES == 0 || ELEMENTS == 0 || ELEMENTS % LANES != 0) begin : gen_illegal_folding
    $error("argmax: LANES must divide ELEMENTS");
  end
  if (OFFSETS ? KEY_BITS < INPUT_BITS + SHIFT : KEY_BITS != INPUT_BITS) begin : gen_illegal_key
    $error("argmax: KEY_BITS must be INPUT_BITS, or with OFFSETS at least INPUT_BITS + SHIFT");
  end

  // Everything moves when the output takes a beat.
  logic enable, step;

  assign s_axis_tready = enable;
  assign step          = enable && s_axis_tvalid;

  // Keys in offset binary, so that they compare as unsigned numbers.
  logic [LANES*KEY_BITS-1:0] keys;

  argmax_keys #(
      .LANES(LANES),
      .BEATS(BEATS),
      .INPUT_BITS(INPUT_BITS),
      .INPUT_SIGNED(INPUT_SIGNED),
      .KEY_BITS(KEY_BITS),
      .OFFSETS(OFFSETS),
      .SHIFT(SHIFT),
      .OFFSETS_FILE(OFFSETS_FILE)
  ) front (
      .clk(clk),
      .rst(rst),
      .enable(enable),
      .step(step),
      .inputs(s_axis_tdata),
      .keys(keys)
  );
endmodule

`default_nettype wire
