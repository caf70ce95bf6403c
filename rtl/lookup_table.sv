// lookup_table: y = table of its channel at x, PE channels a cycle.
//
// Handshake   AXI-Stream in and out; s_axis_tready and m_axis_tvalid come from registers. PE lanes a beat; beat i of a
//             pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 beat a cycle
// Latency     2 cycles
//
// The low ADDRESS_BITS bits of x choose the entry. TABLE_FILE holds FOLDS << ADDRESS_BITS words, entry a of fold f at
// (f << ADDRESS_BITS) + a. FOLDS is the number of beats a pixel, or 1 where all beats have the same tables. A word holds
// LANES fields: one for each of the PE lanes, or, with LANES 1, one for all of them.
`default_nettype none

module lookup_table #(
    parameter int unsigned PE           = 2,
    parameter int unsigned FOLDS        = 1,
    parameter int unsigned LANES        = 2,
    parameter int unsigned INPUT_BITS   = 4,
    parameter int unsigned ADDRESS_BITS = 4,
    parameter int unsigned OUTPUT_BITS  = 4,
    parameter              RAM_STYLE    = "auto",
    parameter              TABLE_FILE   = ""
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
  localparam int unsigned DEPTH = FOLDS << ADDRESS_BITS;
  localparam int unsigned MEMORY_BITS = $clog2(DEPTH);

  if (PE == 0 || FOLDS == 0 || (LANES != 1 && LANES != PE)) begin : gen_illegal_size
    $error("lookup_table: PE and FOLDS must be at least 1, LANES must be 1 or PE");
  end
  if (ADDRESS_BITS == 0 || ADDRESS_BITS > INPUT_BITS) begin : gen_illegal_address
    $error("lookup_table: ADDRESS_BITS must be 1 to INPUT_BITS");
  end

  // Everything moves when the output has room.
  logic enable, slice_ready, step;

  assign s_axis_tready = enable;
  assign step          = enable && s_axis_tvalid;

  // Which tables.
  logic [FOLD_BITS-1:0] fold;

  if (FOLDS > 1) begin : gen_fold
    always_ff @(posedge clk) begin
      if (rst) begin
        fold <= '0;
      end else if (step) begin
        fold <= fold == FOLD_BITS'(FOLDS - 1) ? '0 : fold + 1'b1;
      end
    end
  end else begin : gen_no_fold
    assign fold = '0;
  end

  // One memory a lane.
  logic [PE*OUTPUT_BITS-1:0] results;
  logic                      valid;

  for (genvar lane = 0; lane < PE; lane++) begin : gen_lane
    logic [ADDRESS_BITS-1:0] low;

    assign low = s_axis_tdata[lane*INPUT_BITS+:ADDRESS_BITS];

    rom #(
        .WIDTH(OUTPUT_BITS),
        .DEPTH(DEPTH),
        .LANES(LANES),
        .LANE(LANES == 1 ? 0 : lane),
        .RAM_STYLE(RAM_STYLE),
        .FILE(TABLE_FILE)
    ) entries (
        .clk(clk),
        .enable(enable),
        .address(MEMORY_BITS'({fold, low})),
        .data(results[lane*OUTPUT_BITS+:OUTPUT_BITS])
    );
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= 1'b0;
    end else if (enable) begin
      valid <= step;
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid;

  skid_buffer #(
      .WIDTH(PE * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(results),
      .s_axis_tvalid(valid),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
