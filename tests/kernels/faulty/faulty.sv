// faulty: a register slice with one fault of choice, to show that the bench finds it. FAULT 0 is sound.
`default_nettype none

module faulty #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned FAULT = 0
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic [WIDTH-1:0] s_axis_tdata,
    input  wire logic             s_axis_tvalid,
    output      logic             s_axis_tready,
    output      logic [WIDTH-1:0] m_axis_tdata,
    output      logic             m_axis_tvalid,
    input  wire logic             m_axis_tready
);

  localparam int unsigned COMBINATIONAL_READY = 1;
  localparam int unsigned WITHDRAWS = 2;
  localparam int unsigned CHANGES = 3;
  localparam int unsigned WAITS_FOR_READY = 4;
  localparam int unsigned DROPS = 5;
  localparam int unsigned REPEATS = 6;
  localparam int unsigned BUBBLES = 7;
  localparam int unsigned COMBINATIONAL_VALID = 8;
  localparam int unsigned WRONG = 9;

  logic [WIDTH-1:0] first, second;
  logic [1:0] held;
  logic [4:0] number;
  logic push, pull, blocked;

  assign blocked = FAULT == BUBBLES && number == 5'd17;
  assign s_axis_tready = FAULT == COMBINATIONAL_READY ? held == 0 || m_axis_tready : held < 2;
  assign push = s_axis_tvalid && s_axis_tready;
  assign pull = m_axis_tvalid && m_axis_tready;
  assign m_axis_tdata = first;

  always_comb begin
    m_axis_tvalid = held != 0 && !blocked;
    if (FAULT == COMBINATIONAL_VALID) m_axis_tvalid = m_axis_tvalid && (s_axis_tvalid || held == 2 || number[0]);
    if (FAULT == WITHDRAWS) m_axis_tvalid = m_axis_tvalid && number != 5'd9;
    if (FAULT == WAITS_FOR_READY) m_axis_tvalid = m_axis_tvalid && m_axis_tready;
  end

  always_ff @(posedge clk) begin
    if (push && (held == 0 || (pull && held == 1))) first <= s_axis_tdata ^ WIDTH'(FAULT == WRONG && number == 5'd30);
    else if (pull) first <= second;
    else if (FAULT == CHANGES && held == 2) first <= second;
    if (push) second <= s_axis_tdata;
    if (rst) begin
      held   <= '0;
      number <= '0;
    end else begin
      number <= number + 5'd1;
      held <= held + 2'(push && !(FAULT == DROPS && held == 1)) - 2'(pull && !(FAULT == REPEATS && number == 5'd21));
    end
  end

endmodule

`default_nettype wire
