// rom: a read-only memory filled from a file, with a synchronous read.
//
// Handshake   none: `data` shows the word at `address` one cycle later, and holds while `enable` is low
// Interval    1 word a cycle
// Latency     1 cycle
//
// FILE is a $readmemh file of DEPTH words. RAM_STYLE is passed to the synthesis tool: auto, distributed, block or ultra.
`default_nettype none

module rom #(
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned DEPTH     = 16,
    parameter              RAM_STYLE = "auto",
    parameter              FILE      = "",
    localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                    clk,
    input  wire logic                    enable,
    input  wire logic [ADDRESS_BITS-1:0] address,
    output      logic [WIDTH-1:0]        data
);

  if (WIDTH == 0 || DEPTH == 0) begin : gen_illegal
    $error("rom: WIDTH and DEPTH must be at least 1");
  end

  (* ram_style = RAM_STYLE, rom_style = RAM_STYLE *)
  logic [WIDTH-1:0] memory[DEPTH];

  if (FILE != "") begin : gen_contents
    initial begin
      $readmemh(FILE, memory);
    end
  end

  always_ff @(posedge clk) begin
    if (enable) begin
      data <= memory[address];
    end
  end

endmodule

`default_nettype wire
