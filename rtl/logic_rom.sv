// logic_rom: a read-only memory made of LUTs, filled from a file, with a synchronous read.
//
// Handshake   none: `data` shows the word at `address` one cycle later, and holds while `enable` is low
// Interval    1 word a cycle
// Latency     1 cycle
//
// FILE is a $readmemh file of DEPTH words. Each word holds LANES fields of WIDTH bits, field 0 in the low bits; this memory
// keeps field LANE of every word.
//
// A module of its own for the sake of Yosys, which calls this logic (its distributed memories can be written) and maps it to LUTs
// together with what is around it: where that is slower than the memory, the memory grows to three or four times its size.
`default_nettype none

`ifdef YOSYS
(* keep_hierarchy *)
`endif
module logic_rom #(
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned DEPTH     = 128,
    parameter int unsigned LANES     = 1,
    parameter int unsigned LANE      = 0,
    parameter              FILE      = "",
    localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                    clk,
    input  wire logic                    enable,
    input  wire logic [ADDRESS_BITS-1:0] address,
    output      logic [WIDTH-1:0]        data
);

  if (WIDTH == 0 || DEPTH < 2 || LANE >= LANES) begin : gen_illegal
    $error("logic_rom: WIDTH and LANES must be at least 1, DEPTH at least 2, and LANE less than LANES");
  end

`ifdef YOSYS
  (* rom_style = "logic" *)
`else
  (* rom_style = "distributed" *)
`endif
  logic [LANES*WIDTH-1:0] memory[DEPTH];

  if (FILE != "") begin : gen_contents
    initial begin
      $readmemh(FILE, memory);
    end
  end

  always_ff @(posedge clk) begin
    if (enable) begin
      data <= memory[address][LANE*WIDTH+:WIDTH];
    end
  end

endmodule

`default_nettype wire
