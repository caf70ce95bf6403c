// requantise: y = clamp((x * multiplier + addend) >> SHIFT), PE channels a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. A pixel is FOLDS beats; beat i holds
//             the channels i*PE, i*PE + 1, ...; FOLDS is 1 where all channels have the same constants
// Interval    1 beat a cycle
// Latency     4 cycles
//
// The shift is arithmetic. HALF_EVEN: where all bits that are shifted out are zero, bit 0 of the result is cleared; with half a
// unit in the addend that rounds halves to the even number. The result is clamped to LOW..HIGH, both signed, and its low
// OUTPUT_BITS are given. USE_DSP: the product is left to the synthesis tool with the wish for a DSP block. CONSTANTS_FILE holds FOLDS words of PE fields: MULTIPLIER_BITS bits, above them ADDEND_BITS bits, both
// signed. SUM_BITS holds every sum that occurs.
`default_nettype none

module requantise #(
    parameter int unsigned PE              = 2,
    parameter int unsigned FOLDS           = 3,
    parameter int unsigned INPUT_BITS      = 12,
    parameter bit          INPUT_SIGNED    = 1'b1,
    parameter int unsigned MULTIPLIER_BITS = 9,
    parameter int unsigned ADDEND_BITS     = 16,
    parameter int unsigned SUM_BITS        = 21,
    parameter int unsigned SHIFT           = 10,
    parameter bit          HALF_EVEN       = 1'b0,
    parameter int signed   LOW             = 0,
    parameter int signed   HIGH            = 255,
    parameter int unsigned OUTPUT_BITS     = 8,
    parameter              RAM_STYLE       = "auto",
    parameter bit          USE_DSP         = 1'b0,
    parameter              CONSTANTS_FILE  = ""
) (
    input  wire logic                      clk,
    input  wire logic                      rst,
    input  wire logic [PE*INPUT_BITS-1:0]  s_axis_tdata,
    input  wire logic                      s_axis_tvalid,
    output      logic                      s_axis_tready,
    output      logic [PE*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                      m_axis_tvalid,
    input  wire logic                      m_axis_tready
);

  localparam int unsigned FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam int unsigned FIELD = MULTIPLIER_BITS + ADDEND_BITS;
  localparam int unsigned X_BITS = INPUT_SIGNED ? INPUT_BITS : INPUT_BITS + 1;

  if (PE == 0 || FOLDS == 0 || INPUT_BITS == 0 || MULTIPLIER_BITS == 0 || ADDEND_BITS == 0) begin : gen_illegal_size
    $error("requantise: PE, FOLDS, INPUT_BITS, MULTIPLIER_BITS and ADDEND_BITS must be at least 1");
  end
  if (SHIFT >= SUM_BITS || LOW > HIGH || (HALF_EVEN && SHIFT == 0)) begin : gen_illegal_range
    $error("requantise: SHIFT must be less than SUM_BITS, at least 1 for HALF_EVEN, and LOW at most HIGH");
  end

  // Everything moves when the output has room. Bit 0 of `valid` goes with the operands, 1 with products, 2 with sums.
  logic enable, slice_ready;
  logic [2:0] valid;

  assign s_axis_tready = enable;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= {valid[1:0], s_axis_tvalid};
    end
  end

  // The fold of the beat that comes in.
  logic [FOLD_BITS-1:0] fold;

  if (FOLDS > 1) begin : gen_fold
    always_ff @(posedge clk) begin
      if (rst) begin
        fold <= '0;
      end else if (enable && s_axis_tvalid) begin
        fold <= fold == FOLD_BITS'(FOLDS - 1) ? '0 : fold + 1'b1;
      end
    end
  end else begin : gen_no_fold
    assign fold = '0;
  end

  // Operands.
  logic [PE*INPUT_BITS-1:0] inputs;
  logic [PE*FIELD-1:0]      constants;

  always_ff @(posedge clk) begin
    if (enable) begin
      inputs <= s_axis_tdata;
    end
  end

  rom #(
      .WIDTH(PE * FIELD),
      .DEPTH(FOLDS),
      .RAM_STYLE(RAM_STYLE),
      .FILE(CONSTANTS_FILE)
  ) table_of_channels (
      .clk(clk),
      .enable(enable),
      .address(fold),
      .data(constants)
  );

  // Products, then sums, shifted and clamped on their way to the output.
  logic [PE*OUTPUT_BITS-1:0] results;

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    logic signed [X_BITS-1:0]          x;
    logic signed [MULTIPLIER_BITS-1:0] multiplier;
    logic signed [ADDEND_BITS-1:0]     addend, addend_delayed;
    logic signed [SUM_BITS-1:0]        product, sum, shifted, rounded;

    assign x = X_BITS'($signed({INPUT_SIGNED & inputs[(lane+1)*INPUT_BITS-1], inputs[lane*INPUT_BITS+:INPUT_BITS]}));
    assign {addend, multiplier} = constants[lane*FIELD+:FIELD];

    if (USE_DSP) begin : gen_multiplier
      (* use_dsp = "yes" *)
      logic signed [SUM_BITS-1:0] multiplied;

      assign product = multiplied;

      always_ff @(posedge clk) begin
        if (enable) begin
          multiplied <= SUM_BITS'(x) * SUM_BITS'(multiplier);
        end
      end
    end else begin : gen_rows
      // A sum of shifted and gated rows: not all tools keep a product out of DSP blocks.
      logic signed [SUM_BITS-1:0] rows;

      always_comb begin
        rows = '0;
        for (int b = 0; b < MULTIPLIER_BITS; b++) begin
          if (b == MULTIPLIER_BITS - 1) begin
            rows = rows - ((multiplier[b] ? SUM_BITS'(x) : '0) << b);
          end else begin
            rows = rows + ((multiplier[b] ? SUM_BITS'(x) : '0) << b);
          end
        end
      end

      always_ff @(posedge clk) begin
        if (enable) begin
          product <= rows;
        end
      end
    end

    always_ff @(posedge clk) begin
      if (enable) begin
        addend_delayed <= addend;
        sum            <= product + SUM_BITS'(addend_delayed);
      end
    end

    assign shifted = sum >>> SHIFT;

    if (HALF_EVEN) begin : gen_half_even
      logic tie;

      assign tie     = sum[SHIFT-1:0] == '0;
      assign rounded = tie ? {shifted[SUM_BITS-1:1], 1'b0} : shifted;
    end else begin : gen_down
      assign rounded = shifted;
    end

    assign results[lane*OUTPUT_BITS+:OUTPUT_BITS] =
        rounded < SUM_BITS'(LOW) ? OUTPUT_BITS'(LOW) : rounded > SUM_BITS'(HIGH) ? OUTPUT_BITS'(HIGH) : OUTPUT_BITS'(rounded);
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid[2];

  skid_buffer #(
      .WIDTH(PE * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(results),
      .s_axis_tvalid(valid[2]),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
