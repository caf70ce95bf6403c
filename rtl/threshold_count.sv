// threshold_count: how many of COUNT thresholds a value reaches, all compared at once.
//
// Handshake   none: everything moves when `enable` is high
// Interval    1 value a cycle
// Latency     1 cycle: a register behind the comparisons
//
// Threshold k stands in bits [k*THRESHOLD_BITS +: THRESHOLD_BITS]; they ascend. Bit b of the count is then the parity of
// every 2**b-th comparison, since it changes with each of them. `value` and the thresholds are unsigned; a threshold counts
// when value >= threshold, or where STRICT when value > threshold.
`default_nettype none

module threshold_count #(
    parameter int unsigned COUNT          = 3,
    parameter int unsigned VALUE_BITS     = 8,
    parameter int unsigned THRESHOLD_BITS = 8,
    parameter bit          STRICT         = 0,
    parameter int unsigned RESULT_BITS    = 2
) (
    input  wire logic                            clk,
    input  wire logic                            enable,
    input  wire logic [VALUE_BITS-1:0]           value,
    input  wire logic [COUNT*THRESHOLD_BITS-1:0] thresholds,
    output      logic [RESULT_BITS-1:0]          result
);

  if (COUNT == 0 || THRESHOLD_BITS < VALUE_BITS) begin : gen_illegal
    $error("threshold_count: COUNT must be at least 1 and THRESHOLD_BITS at least VALUE_BITS");
  end

  // Every 2**b-th of the thresholds.
  function automatic logic [COUNT-1:0] every(input int unsigned b);
    for (int k = 0; k < COUNT; k++) begin
      every[k] = (k + 1) % (1 << b) == 0;
    end
  endfunction

  logic [THRESHOLD_BITS-1:0] wide;
  logic [COUNT-1:0]          reached;

  assign wide = THRESHOLD_BITS'(value);

  for (genvar k = 0; k < COUNT; k++) begin : gen_threshold
    logic [THRESHOLD_BITS-1:0] threshold;

    assign threshold = thresholds[k*THRESHOLD_BITS+:THRESHOLD_BITS];

    always_ff @(posedge clk) begin
      if (enable) begin
        reached[k] <= STRICT ? wide > threshold : wide >= threshold;
      end
    end
  end

  for (genvar b = 0; b < RESULT_BITS; b++) begin : gen_bit
    localparam logic [COUNT-1:0] EVERY = every(b);

    assign result[b] = ^(reached & EVERY);
  end

endmodule

`default_nettype wire
