// parallel_vector_vector_unit: y[c] = sum over p of w[p,c] * x[p,c] for the POSITIONS pixels p of a window, a window a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. A beat in is a window: POSITIONS
//             pixels of CHANNELS elements, pixel after pixel from the low bits on; a beat out is its CHANNELS sums
// Interval    1 cycle a window
// Latency     2 + dot cycles, where dot is what matrix_vector_unit calls so with SIMD = POSITIONS
//
// WEIGHTS_FILE holds one word of CHANNELS fields of POSITIONS*WEIGHT_BITS bits; bit b of lane p stands in bit p*WEIGHT_BITS + b
// of a field, or with PLANES in bit b*POSITIONS + p. With ALL_ONES there are no weights: the unit adds up. PLANES chooses
// dot_product_planes instead of dot_product_products, USE_DSP its multipliers. The sums wrap around modulo
// 2**ACCUMULATOR_BITS.
`default_nettype none

module parallel_vector_vector_unit #(
    parameter int unsigned CHANNELS         = 2,
    parameter int unsigned POSITIONS        = 9,
    parameter int unsigned INPUT_BITS       = 4,
    parameter bit          INPUT_SIGNED     = 1'b0,
    parameter int unsigned WEIGHT_BITS      = 4,
    parameter bit          WEIGHT_SIGNED    = 1'b1,
    parameter bit          ALL_ONES         = 1'b0,
    parameter bit          PLANES           = 1'b0,
    parameter bit          USE_DSP          = 1'b0,
    parameter int unsigned ACCUMULATOR_BITS = 12,
    parameter              WEIGHTS_FILE     = ""
) (
    input  wire logic                                     clk,
    input  wire logic                                     rst,
    input  wire logic [POSITIONS*CHANNELS*INPUT_BITS-1:0] s_axis_tdata,
    input  wire logic                                     s_axis_tvalid,
    output      logic                                     s_axis_tready,
    output      logic [CHANNELS*ACCUMULATOR_BITS-1:0]     m_axis_tdata,
    output      logic                                     m_axis_tvalid,
    input  wire logic                                     m_axis_tready
);

  localparam int unsigned COUNT_LATENCY = POSITIONS <= 3 ? 1 : 3 + ($clog2((POSITIONS + 17) / 18) + 1) / 2;
  localparam int unsigned DOT_LATENCY = PLANES ?
      COUNT_LATENCY + ($clog2(INPUT_BITS) + 1) / 2 + ($clog2(WEIGHT_BITS) + 1) / 2 : 1 + ($clog2(POSITIONS) + 1) / 2;
  localparam int unsigned FIELD = POSITIONS * WEIGHT_BITS;

  if (CHANNELS == 0 || POSITIONS == 0 || INPUT_BITS == 0 || WEIGHT_BITS == 0) begin : gen_illegal
    $error("parallel_vector_vector_unit: CHANNELS, POSITIONS, INPUT_BITS and WEIGHT_BITS must be at least 1");
  end

  // Everything moves when the output has room. Bit 0 of `valid` goes with the operands, the last one with the sums.
  logic enable, slice_ready;
  logic [DOT_LATENCY:0] valid;

  assign s_axis_tready = enable;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= {valid[DOT_LATENCY-1:0], s_axis_tvalid};
    end
  end

  // Operands.
  logic [POSITIONS*CHANNELS*INPUT_BITS-1:0] window;
  logic [CHANNELS*FIELD-1:0]                weights;

  always_ff @(posedge clk) begin
    if (enable) begin
      window <= s_axis_tdata;
    end
  end

  if (ALL_ONES) begin : gen_ones
    assign weights = {(CHANNELS * POSITIONS) {WEIGHT_BITS'(1)}};
  end else begin : gen_weights
    rom #(
        .WIDTH(CHANNELS * FIELD),
        .DEPTH(1),
        .RAM_STYLE("distributed"),
        .FILE(WEIGHTS_FILE)
    ) kernel (
        .clk(clk),
        .enable(enable),
        .address(1'b0),
        .data(weights)
    );
  end

  // Arithmetic.
  logic [CHANNELS*ACCUMULATOR_BITS-1:0] sums;

  for (genvar channel = 0; channel < CHANNELS; channel++) begin : gen_channel
    logic [POSITIONS*INPUT_BITS-1:0] inputs;

    for (genvar p = 0; p < POSITIONS; p++) begin : gen_position
      for (genvar b = 0; b < INPUT_BITS; b++) begin : gen_bit
        assign inputs[PLANES?b*POSITIONS+p : p*INPUT_BITS+b] = window[(p*CHANNELS+channel)*INPUT_BITS+b];
      end
    end

    processing_element #(
        .SIMD(POSITIONS),
        .INPUT_BITS(INPUT_BITS),
        .INPUT_SIGNED(INPUT_SIGNED),
        .WEIGHT_BITS(WEIGHT_BITS),
        .WEIGHT_SIGNED(WEIGHT_SIGNED),
        .BIPOLAR(1'b0),
        .PLANES(PLANES),
        .USE_DSP(USE_DSP),
        .ACCUMULATOR_BITS(ACCUMULATOR_BITS),
        .ACCUMULATE(1'b0)
    ) element (
        .clk(clk),
        .enable(enable),
        .inputs(inputs),
        .weights(weights[channel*FIELD+:FIELD]),
        .valid(1'b0),
        .first(1'b0),
        .initial_value('0),
        .result(sums[channel*ACCUMULATOR_BITS+:ACCUMULATOR_BITS])
    );
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid[DOT_LATENCY];

  skid_buffer #(
      .WIDTH(CHANNELS * ACCUMULATOR_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(sums),
      .s_axis_tvalid(valid[DOT_LATENCY]),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
