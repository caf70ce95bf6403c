// reorder: words of a stream in another order and number, by a constant map.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting; s_axis_tready comes from registers. The
//             words come in blocks of BLOCK; out go the words of each block that the program walks over, in its order: some
//             of them several times, others never. Of each lane's INPUT_BITS the low OUTPUT_BITS are kept.
// Interval    1 beat a cycle on each side, each side by itself: a beat is taken as soon as there is room for it, given as
//             soon as its word is there. A block takes max(words in, words out) cycles if DEPTH is large enough for that;
//             what is enough is computed by kernels/address_map.py
// Latency     3 cycles from taking the word that an output beat waits for
// Capacity    DEPTH words
//
// Words are numbered on from block to block; the buffer is circular, and word n lies in place n modulo DEPTH. Word n to come
// may be written when n < released + DEPTH, and be read from the cycle after it was written on; `room` and `ahead` are these
// differences. The program (see address_walk for its loops) says for each beat, from the low bits on: the move to the next
// word modulo DEPTH (ADDRESS_BITS), that move itself (COUNT_BITS), and how many words need no longer be kept (COUNT_BITS). It
// begins with word FIRST, and words before RELEASED are needed by no beat.
`default_nettype none

module reorder #(
    parameter int unsigned LANES       = 1,
    parameter int unsigned INPUT_BITS  = 8,
    parameter int unsigned OUTPUT_BITS = 8,
    parameter int unsigned BLOCK       = 4,
    parameter int unsigned FIRST       = 0,
    parameter int unsigned RELEASED    = 0,
    parameter int unsigned BOUND_0     = 4,
    parameter int unsigned BOUND_1     = 1,
    parameter int unsigned BOUND_2     = 1,
    parameter int unsigned BOUND_3     = 1,
    parameter int unsigned BOUND_4     = 1,
    parameter int unsigned BOUND_5     = 1,
    parameter int unsigned TABLES      = 0,
    parameter int unsigned HOLD        = 6,
    parameter int unsigned DEPTH       = 8,
    parameter              RAM_STYLE   = "auto",
    parameter              ROM_STYLE   = "auto",
    parameter              PROGRAM     = ""
) (
    input  wire logic                         clk,
    input  wire logic                         rst,
    input  wire logic [LANES*INPUT_BITS-1:0]  s_axis_tdata,
    input  wire logic                         s_axis_tvalid,
    output      logic                         s_axis_tready,
    output      logic [LANES*OUTPUT_BITS-1:0] m_axis_tdata,
    output      logic                         m_axis_tvalid,
    input  wire logic                         m_axis_tready
);

  if (LANES == 0 || OUTPUT_BITS == 0 || BLOCK == 0 || DEPTH < 2) begin : gen_illegal
    $error("reorder: LANES, OUTPUT_BITS and BLOCK must be at least 1 and DEPTH at least 2");
  end
  if (INPUT_BITS < OUTPUT_BITS) begin : gen_illegal_bits
    $error("reorder: OUTPUT_BITS must be at most INPUT_BITS");
  end
  if (FIRST >= BLOCK || RELEASED > FIRST) begin : gen_illegal_first
    $error("reorder: FIRST must be less than BLOCK and RELEASED at most FIRST");
  end

  localparam int unsigned ADDRESS_BITS = $clog2(DEPTH);
  localparam int unsigned COUNT_BITS = $clog2(2 * BLOCK + DEPTH + 1) + 1;

  logic signed [COUNT_BITS-1:0] room, ahead;
  logic write, enable, slice_ready, step, valid;

  assign s_axis_tready = !room[COUNT_BITS-1];
  assign write         = s_axis_tvalid && s_axis_tready;
  assign step          = enable && valid && !ahead[COUNT_BITS-1];

  logic [COUNT_BITS-1:0] distance, freed;
  logic [ADDRESS_BITS-1:0] read_address, write_address, forth, sum;
  logic [ADDRESS_BITS:0] back, difference;

  address_walk #(
      .WIDTH(ADDRESS_BITS + 2 * COUNT_BITS),
      .BOUND_0(BOUND_0),
      .BOUND_1(BOUND_1),
      .BOUND_2(BOUND_2),
      .BOUND_3(BOUND_3),
      .BOUND_4(BOUND_4),
      .BOUND_5(BOUND_5),
      .TABLES(TABLES),
      .HOLD(HOLD),
      .ROM_STYLE(ROM_STYLE),
      .PROGRAM(PROGRAM)
  ) walk (
      .clk(clk),
      .rst(rst),
      .step(step),
      .valid(valid),
      .move({freed, distance, forth})
  );

  // Forth by `forth` words, or back by the others, whichever stays inside the memory.
  assign back       = (ADDRESS_BITS + 1)'(DEPTH) - {1'b0, forth};
  assign sum        = read_address + forth;
  assign difference = {1'b0, read_address} - back;

  always_ff @(posedge clk) begin
    if (rst) begin
      room          <= COUNT_BITS'(DEPTH + RELEASED - 1);
      ahead         <= -COUNT_BITS'(FIRST + 1);
      read_address  <= ADDRESS_BITS'(FIRST % DEPTH);
      write_address <= '0;
    end else begin
      room  <= room - COUNT_BITS'(write) + (step ? freed : '0);
      ahead <= ahead + COUNT_BITS'(write) - (step ? distance : '0);
      if (step) begin
        read_address <= difference[ADDRESS_BITS] ? sum : difference[ADDRESS_BITS-1:0];
      end
      if (write) begin
        write_address <= write_address == ADDRESS_BITS'(DEPTH - 1) ? '0 : write_address + 1'b1;
      end
    end
  end

  // The word that is written, and the one that was read in the last cycle.
  logic [LANES*OUTPUT_BITS-1:0] kept, word;
  logic given;

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    assign kept[lane*OUTPUT_BITS+:OUTPUT_BITS] = s_axis_tdata[lane*INPUT_BITS+:OUTPUT_BITS];
  end

  simple_dual_port_ram #(
      .WIDTH(LANES * OUTPUT_BITS),
      .DEPTH(DEPTH),
      .RAM_STYLE(RAM_STYLE)
  ) words (
      .clk(clk),
      .write(write),
      .write_address(write_address),
      .write_data(kept),
      .read(step),
      .read_address(read_address),
      .data(word)
  );

  always_ff @(posedge clk) begin
    if (rst) begin
      given <= 1'b0;
    end else if (enable) begin
      given <= step;
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !given;

  skid_buffer #(
      .WIDTH(LANES * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(word),
      .s_axis_tvalid(given),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
