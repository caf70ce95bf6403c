// A running sum of a stream: what the tests of the simulation tools simulate.
`default_nettype none

module accumulator #(
    parameter int unsigned WIDTH = 8,
    parameter string       LABEL = "plain"
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic [WIDTH-1:0] s_axis_tdata,
    input  wire logic             s_axis_tvalid,
    output      logic [WIDTH-1:0] total
);

  if (WIDTH < 2) begin : gen_illegal
    $error("accumulator: WIDTH must be at least 2");
  end

  logic [WIDTH-1:0] unreset;  // never reset: its first value is random where the simulator says so

  always_ff @(posedge clk) begin
    unreset <= unreset;
    if (rst) total <= '0;
    else if (s_axis_tvalid) total <= total + s_axis_tdata;
  end

  initial if (LABEL == "loud") $display("accumulator of %0d bits", WIDTH);

  // verilator lint_off UNUSEDSIGNAL
  logic [WIDTH-1:0] seen;
  // verilator lint_on UNUSEDSIGNAL
  assign seen = unreset;

endmodule

`default_nettype wire
