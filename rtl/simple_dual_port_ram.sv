// simple_dual_port_ram: a memory with a write port and a read port of its own.
//
// Handshake   none: `write` stores write_data at write_address; `data` shows the word at read_address one cycle after
//             `read`, and holds while `read` is low
// Interval    1 word a cycle on each port
// Latency     1 cycle; a word can be read from the cycle after it was written on
//
// No word may be read in the cycle in which it is written. RAM_STYLE is passed to the synthesis tool: auto, distributed,
// block or ultra.
`default_nettype none

module simple_dual_port_ram #(
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned DEPTH     = 16,
    parameter              RAM_STYLE = "auto",
    localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                    clk,
    input  wire logic                    write,
    input  wire logic [ADDRESS_BITS-1:0] write_address,
    input  wire logic [WIDTH-1:0]        write_data,
    input  wire logic                    read,
    input  wire logic [ADDRESS_BITS-1:0] read_address,
    output      logic [WIDTH-1:0]        data
);

  if (WIDTH == 0 || DEPTH < 2) begin : gen_illegal
    $error("simple_dual_port_ram: WIDTH must be at least 1 and DEPTH at least 2");
  end

  (* no_rw_check, ram_style = RAM_STYLE *)
  logic [WIDTH-1:0] memory[DEPTH];

  always_ff @(posedge clk) begin
    if (write) begin
      memory[write_address] <= write_data;
    end
    if (read) begin
      data <= memory[read_address];
    end
  end

endmodule

`default_nettype wire
