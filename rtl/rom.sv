// rom: a read-only memory filled from a file, with a synchronous read.
//
// Handshake   none: `data` shows the word at `address` one cycle later, and holds while `enable` is low
// Interval    1 word a cycle
// Latency     1 cycle; a single word (DEPTH 1) is a constant
//
// FILE is a $readmemh file of DEPTH words. Each word holds LANES fields of WIDTH bits, field 0 in the low bits; this memory
// keeps field LANE of every word. RAM_STYLE is passed to the synthesis tool: auto, distributed, block or ultra.
`default_nettype none

module rom #(
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned DEPTH     = 16,
    parameter int unsigned LANES     = 1,
    parameter int unsigned LANE      = 0,
    parameter              RAM_STYLE = "auto",
    parameter              FILE      = "",
    localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                    clk,
    input  wire logic                    enable,
    input  wire logic [ADDRESS_BITS-1:0] address,
    output      logic [WIDTH-1:0]        data
);

  if (WIDTH == 0 || DEPTH == 0 || LANE >= LANES) begin : gen_illegal
    $error("rom: WIDTH, DEPTH and LANES must be at least 1, and LANE less than LANES");
  end

  // What Vivado calls a distributed read-only memory is logic to Yosys, whose distributed memories can be written.
`ifdef YOSYS
  localparam ROM_STYLE = RAM_STYLE == "distributed" ? "logic" : RAM_STYLE;
`else
  localparam ROM_STYLE = RAM_STYLE;
`endif

  // Where a bit takes less than a whole LUT there is nothing to lose.
  if (RAM_STYLE == "distributed" && DEPTH > 32) begin : gen_logic

    logic_rom #(
        .WIDTH(WIDTH),
        .DEPTH(DEPTH),
        .LANES(LANES),
        .LANE(LANE),
        .FILE(FILE)
    ) words (
        .clk(clk),
        .enable(enable),
        .address(address),
        .data(data)
    );

  end else begin : gen_memory

    (* rom_style = ROM_STYLE *)
    logic [LANES*WIDTH-1:0] memory[DEPTH];

    if (FILE != "") begin : gen_contents
      initial begin
        $readmemh(FILE, memory);
      end
    end

    if (DEPTH == 1) begin : gen_constant
      assign data = memory[0][LANE*WIDTH+:WIDTH];
    end else begin : gen_read
      always_ff @(posedge clk) begin
        if (enable) begin
          data <= memory[address][LANE*WIDTH+:WIDTH];
        end
      end
    end

  end

endmodule

`default_nettype wire
