// address_walk: walks a program of moves: nested loops say which word of it is next.
//
// Handshake   while `valid`, `move` is the program's word for the present beat; `step`, which needs `valid`, moves on
// Interval    1 beat a cycle, the loops again and again
// Latency     1 cycle after reset
//
// Loop 0 is the innermost; a loop of BOUND 1 is none. The word of a beat belongs to the innermost loop that is not at its last
// position, and the last word to the beat at which all are. A loop has one word, or one for each of its steps where its bit
// of TABLES is set. If HOLD names a loop (and not 6), the program is there twice, each time filled to a power of two: the
// second time for the beats at which that loop is at its last position.
`default_nettype none

module address_walk #(
    parameter int unsigned WIDTH     = 16,
    parameter int unsigned BOUND_0   = 4,
    parameter int unsigned BOUND_1   = 1,
    parameter int unsigned BOUND_2   = 1,
    parameter int unsigned BOUND_3   = 1,
    parameter int unsigned BOUND_4   = 1,
    parameter int unsigned BOUND_5   = 1,
    parameter int unsigned TABLES    = 0,
    parameter int unsigned HOLD      = 6,
    parameter              ROM_STYLE = "auto",
    parameter              PROGRAM   = ""
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic             step,
    output      logic             valid,
    output      logic [WIDTH-1:0] move
);

  localparam bit [191:0] BOUNDS = {BOUND_5, BOUND_4, BOUND_3, BOUND_2, BOUND_1, BOUND_0};

  // The first word of each loop in the program, and behind them that of the end.
  function automatic int unsigned first_word(input int unsigned loop);
    first_word = 0;
    for (int unsigned k = 0; k < 6; k++) begin
      if (k < loop && BOUNDS[32*k+:32] > 1) begin
        first_word = first_word + (TABLES[k] ? BOUNDS[32*k+:32] - 1 : 1);
      end
    end
  endfunction

  localparam int unsigned WORDS = first_word(6) + 1;
  localparam int unsigned WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int unsigned DEPTH = HOLD < 6 ? 2 << WORD_BITS : WORDS;
  localparam int unsigned ADDRESS_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;

  if (WIDTH == 0 || BOUND_0 == 0 || BOUND_1 == 0 || BOUND_2 == 0 || BOUND_3 == 0 || BOUND_4 == 0 || BOUND_5 == 0)
  begin : gen_illegal
    $error("address_walk: WIDTH and the bounds must be at least 1");
  end
  if (HOLD > 6) begin : gen_illegal_hold
    $error("address_walk: HOLD must be the number of a loop, or 6 for none");
  end

  logic advance;
  logic [5:0] last;
  logic [6:0] carry;
  logic [5:0][WORD_BITS-1:0] words;
  logic [WORD_BITS-1:0] word;
  logic [ADDRESS_BITS-1:0] address;

  assign advance  = step || !valid;
  assign carry[0] = 1'b1;

  for (genvar k = 0; k < 6; k++) begin : gen_loop
    localparam int unsigned BOUND = BOUNDS[32*k+:32];
    localparam int unsigned FIRST = first_word(k);

    assign carry[k+1] = carry[k] && last[k];

    if (BOUND > 1) begin : gen_counter
      logic [$clog2(BOUND)-1:0] count;

      assign last[k] = count == ($clog2(BOUND))'(BOUND - 1);

      if (TABLES[k]) begin : gen_table
        assign words[k] = carry[k] && !last[k] ? WORD_BITS'(FIRST) + WORD_BITS'(count) : '0;
      end else begin : gen_single
        assign words[k] = carry[k] && !last[k] ? WORD_BITS'(FIRST) : '0;
      end

      always_ff @(posedge clk) begin
        if (rst) begin
          count <= '0;
        end else if (advance && carry[k]) begin
          count <= last[k] ? '0 : count + 1'b1;
        end
      end
    end else begin : gen_none
      assign last[k]  = 1'b1;
      assign words[k] = '0;
    end
  end

  assign word = words[0] | words[1] | words[2] | words[3] | words[4] | words[5]
                | (carry[6] ? WORD_BITS'(WORDS - 1) : '0);

  if (HOLD < 6) begin : gen_hold
    assign address = {last[HOLD], word};
  end else begin : gen_no_hold
    assign address = word;
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= 1'b0;
    end else begin
      valid <= 1'b1;
    end
  end

  rom #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH),
      .RAM_STYLE(ROM_STYLE),
      .FILE(PROGRAM)
  ) program_rom (
      .clk(clk),
      .enable(advance),
      .address(address),
      .data(move)
  );

endmodule

`default_nettype wire
