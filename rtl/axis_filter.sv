// axis_filter: walks the positions of one axis of an image and says which of them lie under a window.
//
// Handshake   none: `kept` and `last` describe the present position, which `advance` moves on, after the last to the first
// Interval    1 position a cycle
// Latency     1 cycle
//
// Windows of SPAN positions start every PERIOD positions, the first PADDING before position 0. The positions from USED on
// lie under none, nor do those between two windows.
`default_nettype none

module axis_filter #(
    parameter int unsigned SIZE    = 5,
    parameter int unsigned PADDING = 0,
    parameter int unsigned PERIOD  = 2,
    parameter int unsigned SPAN    = 1,
    parameter int unsigned USED    = 5
) (
    input  wire logic clk,
    input  wire logic rst,
    input  wire logic advance,
    output      logic kept,
    output      logic last
);

  localparam int unsigned POSITION_BITS = SIZE > 1 ? $clog2(SIZE) : 1;
  localparam int unsigned PHASE_BITS = $clog2(PERIOD + 1);

  if (PADDING >= SPAN || USED == 0 || USED > SIZE || PERIOD == 0) begin : gen_illegal
    $error("axis_filter: PERIOD must be at least 1, PADDING less than SPAN, and USED 1 to SIZE");
  end

  logic [POSITION_BITS-1:0] position, next_position;
  logic [PHASE_BITS-1:0] phase, next_phase;

  assign last = position == POSITION_BITS'(SIZE - 1);
  assign next_position = last ? '0 : position + 1'b1;

  always_comb begin
    if (last) begin
      next_phase = PHASE_BITS'(PADDING % PERIOD);
    end else if (phase == PHASE_BITS'(PERIOD - 1)) begin
      next_phase = '0;
    end else begin
      next_phase = phase + 1'b1;
    end
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      position <= '0;
      phase    <= PHASE_BITS'(PADDING % PERIOD);
      kept     <= 1'b1;
    end else if (advance) begin
      position <= next_position;
      phase    <= next_phase;
      kept     <= (SPAN >= PERIOD || next_phase < PHASE_BITS'(SPAN))
                  && (USED == SIZE || next_position < POSITION_BITS'(USED));
    end
  end

endmodule

`default_nettype wire
