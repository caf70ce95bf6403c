// input_buffer: one vector of beats, written while it passes and read again.
//
// Handshake   none: when `enable` is high, `data` shows one cycle later the word at `address`, or `write_data` if `write` is
//             high, which is stored there as well; it holds while `enable` is low
// Interval    1 word a cycle
// Latency     1 cycle
//
// A single-port memory in write-first mode. RAM_STYLE is passed to the synthesis tool: auto, distributed, block or ultra.
`default_nettype none

module input_buffer #(
    parameter int unsigned WIDTH     = 8,
    parameter int unsigned DEPTH     = 16,
    parameter              RAM_STYLE = "distributed",
    localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                    clk,
    input  wire logic                    enable,
    input  wire logic                    write,
    input  wire logic [ADDRESS_BITS-1:0] address,
    input  wire logic [WIDTH-1:0]        write_data,
    output      logic [WIDTH-1:0]        data
);

  if (WIDTH == 0 || DEPTH == 0) begin : gen_illegal
    $error("input_buffer: WIDTH and DEPTH must be at least 1");
  end

  if (DEPTH == 1) begin : gen_register
    // The output register is the memory.
    always_ff @(posedge clk) begin
      if (enable && write) begin
        data <= write_data;
      end
    end
  end else begin : gen_memory
    (* ram_style = RAM_STYLE *)
    logic [WIDTH-1:0] memory[DEPTH];

    always_ff @(posedge clk) begin
      if (enable) begin
        if (write) begin
          memory[address] <= write_data;
          data <= write_data;
        end else begin
          data <= memory[address];
        end
      end
    end
  end

endmodule

`default_nettype wire
