// fifo: a first-in first-out buffer that holds exactly DEPTH beats.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting. s_axis_tready, m_axis_tvalid and
//             m_axis_tdata are registers.
// Interval    1 beat a cycle
// Capacity    DEPTH beats, the one on m_axis included: s_axis_tready in cycle t == (beats taken before t - beats given
//             before t < DEPTH)
// Latency     LATENCY = 1 cycle where DEPTH is 2, else 2: beat i is on m_axis from cycle
//             max(cycle taken + LATENCY, cycle beat i-1 is given + 1) on
//
// The memory holds DEPTH-1 beats, the output register one more. RAM_STYLE says what the memory is made of: "srl" (a shift
// register for each bit), or "auto", "distributed", "block", "ultra" (an inferred RAM with a synchronous read). DEPTH 2 is a
// skid_buffer, whatever RAM_STYLE says. FAST_MODEL is for simulators: it makes a RAM of shift registers, which Verilator
// takes minutes to compile where beats are wide; the same beats in the same cycles.
`default_nettype none

module fifo #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned DEPTH = 16,
    parameter RAM_STYLE = "auto",
    parameter bit FAST_MODEL =
`ifdef VERILATOR
        1
`else
        0
`endif
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

  if (WIDTH == 0) begin : gen_illegal_width
    $error("fifo: WIDTH must be at least 1");
  end
  if (DEPTH < 2) begin : gen_illegal_depth
    $error("fifo: DEPTH must be at least 2");
  end
  if (RAM_STYLE != "auto" && RAM_STYLE != "srl" && RAM_STYLE != "distributed" && RAM_STYLE != "block"
      && RAM_STYLE != "ultra") begin : gen_illegal_style
    $error("fifo: RAM_STYLE must be auto, srl, distributed, block or ultra");
  end

  if (DEPTH <= 2) begin : gen_skid

    skid_buffer #(
        .WIDTH(WIDTH)
    ) slice (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready)
    );

  end else begin : gen_memory

    localparam int unsigned STORE = DEPTH - 1;
    localparam int unsigned ADDRESS_BITS = $clog2(STORE);
    localparam int unsigned COUNT_BITS = $clog2(STORE + 1);

    // Beats in the memory. It is full only while the output register is, too.
    logic [COUNT_BITS-1:0] stored, stored_next;
    logic push, pull;

    assign push = s_axis_tvalid && s_axis_tready;
    assign pull = stored != '0 && (m_axis_tready || !m_axis_tvalid);
    assign stored_next = stored + COUNT_BITS'(push) - COUNT_BITS'(pull);

    always_ff @(posedge clk) begin
      if (rst) begin
        stored        <= '0;
        s_axis_tready <= 1'b1;
        m_axis_tvalid <= 1'b0;
      end else begin
        stored        <= stored_next;
        s_axis_tready <= stored_next != COUNT_BITS'(STORE);
        m_axis_tvalid <= pull || (m_axis_tvalid && !m_axis_tready);
      end
    end

    if (RAM_STYLE == "srl" && !FAST_MODEL) begin : gen_srl

      // The oldest beat has moved to place stored - 1.
      logic [ADDRESS_BITS-1:0] oldest;

      assign oldest = ADDRESS_BITS'(stored - COUNT_BITS'(1));

      for (genvar b = 0; b < WIDTH; b++) begin : gen_bit
        logic [STORE-1:0] line;

        always_ff @(posedge clk) begin
          if (push) begin
            line <= {line[STORE-2:0], s_axis_tdata[b]};
          end
          if (pull) begin
            m_axis_tdata[b] <= line[oldest];
          end
        end
      end

    end else begin : gen_ram

      localparam logic [ADDRESS_BITS-1:0] LAST = ADDRESS_BITS'(STORE - 1);

      // A beat is read at the earliest in the cycle after it was written, so what a read of the word being written
      // would give does not matter.
      (* no_rw_check, ram_style = RAM_STYLE *) logic [WIDTH-1:0] memory[STORE];
      logic [ADDRESS_BITS-1:0] write_address, read_address;

      always_ff @(posedge clk) begin
        if (push) begin
          memory[write_address] <= s_axis_tdata;
        end
        if (pull) begin
          m_axis_tdata <= memory[read_address];
        end
      end

      always_ff @(posedge clk) begin
        if (rst) begin
          write_address <= '0;
          read_address  <= '0;
        end else begin
          if (push) begin
            write_address <= write_address == LAST ? '0 : write_address + ADDRESS_BITS'(1);
          end
          if (pull) begin
            read_address <= read_address == LAST ? '0 : read_address + ADDRESS_BITS'(1);
          end
        end
      end

    end

  end

endmodule

`default_nettype wire
