// delay_line: what came in DEPTH + 1 advances ago.
//
// Handshake   none: with each `advance`, `data` becomes the `source` of the DEPTH-th advance before, and `source` goes in
// Interval    1 word a cycle
// Latency     DEPTH + 1 advances
//
// RAM_STYLE says what holds the DEPTH words before the output register: "srl" (a shift register for each bit), or "auto",
// "distributed", "block", "ultra" (an inferred single-port RAM that reads before it writes).
`default_nettype none

module delay_line #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned DEPTH = 16,
    parameter RAM_STYLE = "auto"
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic             advance,
    input  wire logic [WIDTH-1:0] source,
    output      logic [WIDTH-1:0] data
);

  if (WIDTH == 0) begin : gen_illegal
    $error("delay_line: WIDTH must be at least 1");
  end

  if (DEPTH == 0) begin : gen_register

    always_ff @(posedge clk) begin
      if (advance) begin
        data <= source;
      end
    end

  end else if (DEPTH == 1 || RAM_STYLE == "srl") begin : gen_srl

    for (genvar b = 0; b < WIDTH; b++) begin : gen_bit
      logic [DEPTH-1:0] line;

      always_ff @(posedge clk) begin
        if (advance) begin
          line    <= DEPTH'({line, source[b]});
          data[b] <= line[DEPTH-1];
        end
      end
    end

  end else begin : gen_ram

    localparam int unsigned ADDRESS_BITS = $clog2(DEPTH);

    (* ram_style = RAM_STYLE *)
    logic [WIDTH-1:0] memory[DEPTH];
    logic [ADDRESS_BITS-1:0] address;

    always_ff @(posedge clk) begin
      if (advance) begin
        memory[address] <= source;
        data            <= memory[address];
      end
    end

    always_ff @(posedge clk) begin
      if (rst) begin
        address <= '0;
      end else if (advance) begin
        address <= address == ADDRESS_BITS'(DEPTH - 1) ? '0 : address + 1'b1;
      end
    end

  end

endmodule

`default_nettype wire
