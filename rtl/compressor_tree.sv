// compressor_tree: the weighted sum of a heap of bits, by counters of 3 and 6 bits and one adder of three rows.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 sum a cycle
// Latency     LAYERS + 1 cycles: a register behind every layer and behind the adder
//
// HEIGHTS gives for every column c, in 16 bits each, how many bits of weight 2**c there are; in `bits` those of column 0 come
// first, BITS in all. The sum wraps around modulo 2**COLUMNS.
//
// Counters of the first layer take three bits (so a LUT6 also holds a gate before each of them), those of the other layers
// six; they cost a LUT for each bit of their result. A layer of full counters halves the heights: layer l need only reach
// 3 * 2**(LAYERS-l), and columns that get by with that pass through. Three rows are left for the adder. LAYERS may be 0 where
// no column has more than three bits, and else must be 1 + ceil(log2(h/3)) for heights h behind the first layer.
`default_nettype none

module compressor_tree #(
    parameter int unsigned         COLUMNS = 3,
    parameter bit [COLUMNS*16-1:0] HEIGHTS = {16'd0, 16'd6, 16'd6},
    parameter int unsigned         BITS    = 12,
    parameter int unsigned         LAYERS  = 2
) (
    input  wire logic               clk,
    input  wire logic               enable,
    input  wire logic [BITS-1:0]    bits,
    output      logic [COLUMNS-1:0] sum
);

  // A number for each column, in 16 bits. Columns below 0 are empty.
  typedef bit [COLUMNS*16-1:0] table_t;

  function automatic int at(input table_t numbers, input int column);
    at = 0;
    if (column >= 0) begin
      at = int'({16'd0, numbers[column*16+:16]});
    end
  endfunction

  function automatic int sum_below(input table_t numbers, input int column);
    sum_below = 0;
    for (int c = 0; c < column; c++) begin
      sum_below = sum_below + at(numbers, c);
    end
  endfunction

  function automatic int greatest(input table_t numbers);
    greatest = 0;
    for (int c = 0; c < COLUMNS; c++) begin
      greatest = at(numbers, c) > greatest ? at(numbers, c) : greatest;
    end
  endfunction

  // Vectors have at least one bit.
  function automatic int positive(input int width);
    positive = width > 0 ? width : 1;
  endfunction

  // What a column of `height` bits with so many counters sends to itself, to the next column and to the one after. Counter k
  // takes the bits k, k + counters, k + 2*counters...; without counters the column passes through.
  function automatic int ones(input int height, input int counters);
    ones = counters == 0 ? height : counters;
  endfunction

  function automatic int twos(input int height, input int counters);
    twos = height < 2 * counters ? height - counters : counters;
  endfunction

  function automatic int fours(input int height, input int counters);
    fours = height < 3 * counters ? 0 : height < 4 * counters ? height - 3 * counters : counters;
  endfunction

  // The same from tables, for the bits that column `c` sends to itself, and gets from the two columns below it.
  function automatic int own_of(input table_t heights, input table_t counters, input int c);
    own_of = ones(at(heights, c), at(counters, c));
  endfunction

  function automatic int twos_to(input table_t heights, input table_t counters, input int c);
    twos_to = twos(at(heights, c - 1), at(counters, c - 1));
  endfunction

  function automatic int fours_to(input table_t heights, input table_t counters, input int c);
    fours_to = fours(at(heights, c - 2), at(counters, c - 2));
  endfunction

  // How many counters each column has in layer `layer`.
  function automatic table_t plan(input table_t heights, input int layer);
    int size;
    size = layer == 1 ? 3 : 6;
    plan = '0;
    for (int c = 0; c < COLUMNS; c++) begin
      if (at(heights, c) + twos_to(heights, plan, c) + fours_to(heights, plan, c) > 3 << (LAYERS - layer)) begin
        plan[c*16+:16] = 16'((at(heights, c) + size - 1) / size);
      end
    end
  endfunction

  // The heights behind these counters.
  function automatic table_t after(input table_t heights, input table_t counters);
    for (int c = 0; c < COLUMNS; c++) begin
      after[c*16+:16] = 16'(own_of(heights, counters, c) + twos_to(heights, counters, c) + fours_to(heights, counters, c));
    end
  endfunction

  // The heights behind layer `layer`.
  function automatic table_t behind(input int layer);
    behind = HEIGHTS;
    for (int l = 1; l <= layer; l++) begin
      behind = after(behind, plan(behind, l));
    end
  endfunction

  if (int'(BITS) != sum_below(HEIGHTS, COLUMNS)) begin : gen_illegal_bits
    $error("compressor_tree: BITS must be the sum of HEIGHTS");
  end
  if (greatest(behind(LAYERS)) > 3) begin : gen_illegal_layers
    $error("compressor_tree: LAYERS are too few for these HEIGHTS");
  end

  for (genvar l = 0; l <= LAYERS; l++) begin : gen_layer
    localparam table_t HEIGHT = behind(l);
    localparam table_t COUNTERS = l < LAYERS ? plan(HEIGHT, l + 1) : '0;

    for (genvar c = 0; c < COLUMNS; c++) begin : gen_column
      localparam int WIDTH = positive(at(HEIGHT, c));

      logic [WIDTH-1:0] column;

      if (l == 0) begin : gen_bits
        if (at(HEIGHT, c) > 0) begin : gen_some
          assign column = bits[sum_below(HEIGHT, c)+:WIDTH];
        end else begin : gen_none
          assign column = '0;
        end
      end else begin : gen_register
        logic [WIDTH-1:0] own, next, after_next;

        assign own = WIDTH'(gen_layer[l-1].gen_column[c].gen_sent.one);
        if (c >= 1) begin : gen_next
          assign next = WIDTH'(gen_layer[l-1].gen_column[c-1].gen_sent.two);
        end else begin : gen_no_next
          assign next = '0;
        end
        if (c >= 2) begin : gen_after_next
          assign after_next = WIDTH'(gen_layer[l-1].gen_column[c-2].gen_sent.four);
        end else begin : gen_no_after_next
          assign after_next = '0;
        end

        localparam int ONES = own_of(behind(l - 1), plan(behind(l - 1), l), c);
        localparam int FOURS = fours_to(behind(l - 1), plan(behind(l - 1), l), c);

        always_ff @(posedge clk) begin
          if (enable) begin
            column <= own | next << ONES | after_next << (at(HEIGHT, c) - FOURS);
          end
        end
      end

      // What it sends to itself, to the next column and to the one after.
      if (l < LAYERS) begin : gen_sent
        localparam int COUNT = at(COUNTERS, c);
        localparam int ONES = positive(ones(at(HEIGHT, c), COUNT));
        localparam int TWOS = positive(twos(at(HEIGHT, c), COUNT));
        localparam int FOURS = positive(fours(at(HEIGHT, c), COUNT));

        logic [ONES-1:0]  one;
        logic [TWOS-1:0]  two;
        logic [FOURS-1:0] four;

        if (COUNT > 0) begin : gen_counters
          logic [COUNT-1:0] u, v, w, x, y, z, low, high, carry_low, carry_high, carry;

          assign {z, y, x, w, v, u} = (6 * COUNT)'(column);
          assign low        = u ^ v ^ w;
          assign carry_low  = u & v | w & (u ^ v);
          assign high       = x ^ y ^ z;
          assign carry_high = x & y | z & (x ^ y);
          assign carry      = low & high;
          assign one        = low ^ high;
          assign two        = TWOS'(carry_low ^ carry_high ^ carry);
          assign four       = FOURS'(carry_low & carry_high | carry & (carry_low ^ carry_high));
        end else begin : gen_pass
          assign one  = column;
          assign two  = '0;
          assign four = '0;
        end
      end
    end
  end

  // The rows that are left.
  logic [COLUMNS-1:0] row_0, row_1, row_2;

  for (genvar c = 0; c < COLUMNS; c++) begin : gen_rows
    logic [2:0] column;

    assign column   = 3'(gen_layer[LAYERS].gen_column[c].column);
    assign row_0[c] = column[0];
    assign row_1[c] = column[1];
    assign row_2[c] = column[2];
  end

  always_ff @(posedge clk) begin
    if (enable) begin
      sum <= row_0 + row_1 + row_2;
    end
  end

endmodule

`default_nettype wire
