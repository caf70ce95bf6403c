// pixel_filter: says which beats of an image belong to pixels that lie under some window.
//
// Handshake   none: `kept` describes the present beat, which `advance` moves on; frame after frame
// Interval    1 beat a cycle
// Latency     1 cycle
//
// An image has HEIGHT * WIDTH pixels, row by row, each of FOLDS beats. Windows of SPAN rows and columns start every STRIDE, the
// first PAD_TOP rows and PAD_LEFT columns before the image; the rows from USED_H on and the columns from USED_W on lie under
// none.
`default_nettype none

module pixel_filter #(
    parameter int unsigned FOLDS    = 1,
    parameter int unsigned HEIGHT   = 5,
    parameter int unsigned WIDTH    = 5,
    parameter int unsigned STRIDE_H = 2,
    parameter int unsigned STRIDE_W = 2,
    parameter int unsigned SPAN_H   = 1,
    parameter int unsigned SPAN_W   = 1,
    parameter int unsigned PAD_TOP  = 0,
    parameter int unsigned PAD_LEFT = 0,
    parameter int unsigned USED_H   = 5,
    parameter int unsigned USED_W   = 5
) (
    input  wire logic clk,
    input  wire logic rst,
    input  wire logic advance,
    output      logic kept
);

  if (FOLDS == 0 || HEIGHT == 0 || WIDTH == 0) begin : gen_illegal
    $error("pixel_filter: FOLDS, HEIGHT and WIDTH must be at least 1");
  end

  logic last_fold, last_column, kept_row, kept_column, unused_last_row;

  assign kept = kept_row && kept_column;

  if (FOLDS > 1) begin : gen_folds
    localparam int unsigned FOLD_BITS = $clog2(FOLDS);

    logic [FOLD_BITS-1:0] fold;

    assign last_fold = fold == FOLD_BITS'(FOLDS - 1);

    always_ff @(posedge clk) begin
      if (rst) begin
        fold <= '0;
      end else if (advance) begin
        fold <= last_fold ? '0 : fold + 1'b1;
      end
    end
  end else begin : gen_no_folds
    assign last_fold = 1'b1;
  end

  axis_filter #(
      .SIZE(WIDTH),
      .PADDING(PAD_LEFT),
      .PERIOD(STRIDE_W),
      .SPAN(SPAN_W),
      .USED(USED_W)
  ) columns (
      .clk(clk),
      .rst(rst),
      .advance(advance && last_fold),
      .kept(kept_column),
      .last(last_column)
  );

  axis_filter #(
      .SIZE(HEIGHT),
      .PADDING(PAD_TOP),
      .PERIOD(STRIDE_H),
      .SPAN(SPAN_H),
      .USED(USED_H)
  ) rows (
      .clk(clk),
      .rst(rst),
      .advance(advance && last_fold && last_column),
      .kept(kept_row),
      .last(unused_last_row)
  );

endmodule

`default_nettype wire
