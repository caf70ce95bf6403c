// popcount: how many of COUNT bits are 1.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 count a cycle
// Latency     COUNT <= 3 ? 1 : 3 + ceil(ceil(log2(ceil(COUNT / 18))) / 2) cycles
//
// Counters of three bits, so that a LUT6 also holds a gate before each of them; counters of six bits over their results; the
// numbers that stand for 18 bits; and a tree of adders. Counter k of n takes the bits k, k + n, k + 2*n... of a vector, so
// that all of them together are a few operations on slices. FAST_MODEL is for simulators: the same count in the same cycle
// from one operator, which Verilator compiles and runs several times faster.
`default_nettype none

module popcount #(
    parameter int unsigned COUNT = 64,
    parameter bit FAST_MODEL =
`ifdef VERILATOR
        1,
`else
        0,
`endif
    localparam int unsigned RESULT_BITS = $clog2(COUNT + 1)
) (
    input  wire logic                   clk,
    input  wire logic                   enable,
    input  wire logic [COUNT-1:0]       bits,
    output      logic [RESULT_BITS-1:0] result
);

  if (COUNT == 0) begin : gen_illegal
    $error("popcount: COUNT must be at least 1");
  end

  if (FAST_MODEL) begin : gen_model
    localparam int unsigned LATENCY = COUNT <= 3 ? 1 : 3 + ($clog2((COUNT + 17) / 18) + 1) / 2;

    logic [LATENCY*RESULT_BITS-1:0] counts;

    always_ff @(posedge clk) begin
      if (enable) begin
        counts <= (LATENCY * RESULT_BITS)'({counts, RESULT_BITS'($countones(bits))});
      end
    end

    assign result = counts[(LATENCY-1)*RESULT_BITS+:RESULT_BITS];
  end else begin : gen_circuit
    localparam int unsigned TRIPLES = (COUNT + 2) / 3;
    localparam int unsigned GROUPS = (TRIPLES + 5) / 6;
    localparam int unsigned GROUP_BITS = RESULT_BITS < 5 ? RESULT_BITS : 5;

    logic [TRIPLES-1:0] a, b, c, ones, twos;

    assign {c, b, a} = (3 * TRIPLES)'(bits);

    always_ff @(posedge clk) begin
      if (enable) begin
        ones <= a ^ b ^ c;
        twos <= a & b | c & (a ^ b);
      end
    end

    // GROUPS counters of six bits: the bits of weight 4, of weight 2, of weight 1.
    function automatic logic [3*GROUPS-1:0] sixes(input logic [TRIPLES-1:0] counted);
      logic [GROUPS-1:0] u, v, w, x, y, z, low, high, carry_low, carry_high, carry;
      {z, y, x, w, v, u} = (6 * GROUPS)'(counted);
      low                = u ^ v ^ w;
      carry_low          = u & v | w & (u ^ v);
      high               = x ^ y ^ z;
      carry_high         = x & y | z & (x ^ y);
      carry              = low & high;
      sixes              = {
        carry_low & carry_high | carry & (carry_low ^ carry_high), carry_low ^ carry_high ^ carry, low ^ high
      };
    endfunction

    if (TRIPLES == 1) begin : gen_small
      assign result = RESULT_BITS'({twos, ones});
    end else begin : gen_large
      logic [3*GROUPS-1:0]          ones_counted, twos_counted;
      logic [GROUP_BITS*GROUPS-1:0] groups;

      always_ff @(posedge clk) begin
        if (enable) begin
          ones_counted <= sixes(ones);
          twos_counted <= sixes(twos);
        end
      end

      for (genvar g = 0; g < GROUPS; g++) begin : gen_group
        logic [2:0] one, two;

        assign one = {ones_counted[2*GROUPS+g], ones_counted[GROUPS+g], ones_counted[g]};
        assign two = {twos_counted[2*GROUPS+g], twos_counted[GROUPS+g], twos_counted[g]};

        always_ff @(posedge clk) begin
          if (enable) begin
            groups[GROUP_BITS*g+:GROUP_BITS] <= GROUP_BITS'({{2'd0, one[2:1]} + {1'd0, two}, one[0]});
          end
        end
      end

      adder_tree #(
          .COUNT(GROUPS),
          .WIDTH(GROUP_BITS),
          .SUM_BITS(RESULT_BITS)
      ) tree (
          .clk(clk),
          .enable(enable),
          .operands(groups),
          .sum(result)
      );
    end
  end

endmodule

`default_nettype wire
