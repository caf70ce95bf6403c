// axis_table: walks a table from a word on, round and round.
//
// Handshake   none: `data` is the present word, after reset word START; `last` says that it is the last; `advance` goes on
// Interval    1 word a cycle
// Latency     none
//
// FILE is a $readmemh file of DEPTH words of WIDTH bits.
`default_nettype none

module axis_table #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned DEPTH = 4,
    parameter int unsigned START = 0,
    parameter              FILE  = ""
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic             advance,
    output      logic [WIDTH-1:0] data,
    output      logic             last
);

  localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;

  if (WIDTH == 0 || START >= DEPTH) begin : gen_illegal
    $error("axis_table: WIDTH must be at least 1 and START less than DEPTH");
  end

  logic [ADDRESS_BITS-1:0] place, next;

  assign last = place == ADDRESS_BITS'(DEPTH - 1);
  assign next = rst ? ADDRESS_BITS'(START) : last ? '0 : place + 1'b1;

  always_ff @(posedge clk) begin
    if (rst || advance) begin
      place <= next;
    end
  end

  rom #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH),
      .RAM_STYLE("distributed"),
      .FILE(FILE)
  ) words (
      .clk(clk),
      .enable(rst || advance),
      .address(next),
      .data(data)
  );

endmodule

`default_nettype wire
