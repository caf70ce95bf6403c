// width_converter: repacks beats of IN_UNITS units into beats of OUT_UNITS units, for any pair (a gearbox).
//
// A unit is WIDTH bits, unit 0 in the low bits of a beat. Units keep their order; none are added or lost, so both
// sides align again after every lcm(IN_UNITS, OUT_UNITS) units. Best with IN_UNITS and OUT_UNITS coprime.
//
// Handshake   AXI-Stream; tvalid never waits for tready, data holds while waiting. Neither m_axis_tvalid nor
//             s_axis_tready depends on an input of the same cycle.
// Interval    1 cycle for each beat on the narrower side: a step takes a beat, gives a beat, or does both.
//             IN_UNITS < OUT_UNITS: step k takes beat k; output beat j is given by step ceil((j+1)*OUT_UNITS/IN_UNITS) - 1.
//             IN_UNITS > OUT_UNITS: step k gives beat k; input beat i is taken by step floor(i*IN_UNITS/OUT_UNITS).
// Latency     1 cycle where IN_UNITS > OUT_UNITS, else 2
`default_nettype none

module width_converter #(
    parameter int unsigned WIDTH = 8,
    parameter int unsigned IN_UNITS = 2,
    parameter int unsigned OUT_UNITS = 3
) (
    input  wire logic                       clk,
    input  wire logic                       rst,
    input  wire logic [ IN_UNITS*WIDTH-1:0] s_axis_tdata,
    input  wire logic                       s_axis_tvalid,
    output      logic                       s_axis_tready,
    output      logic [OUT_UNITS*WIDTH-1:0] m_axis_tdata,
    output      logic                       m_axis_tvalid,
    input  wire logic                       m_axis_tready
);

  if (WIDTH == 0) begin : gen_illegal_width
    $error("width_converter: WIDTH must be at least 1");
  end
  if (IN_UNITS == 0 || OUT_UNITS == 0 || IN_UNITS == OUT_UNITS) begin : gen_illegal_units
    $error("width_converter: IN_UNITS and OUT_UNITS must differ and be at least 1");
  end

  localparam int unsigned MOST = IN_UNITS > OUT_UNITS ? IN_UNITS : OUT_UNITS;
  localparam int unsigned REST = MOST - 1;  // units that can be left over from one step to the next
  localparam int unsigned COUNT_BITS = $clog2(IN_UNITS + OUT_UNITS);

  logic [IN_UNITS*WIDTH-1:0] in_data;
  logic [OUT_UNITS*WIDTH-1:0] out_data;
  logic in_valid, in_ready, out_valid, out_ready;
  logic [REST*WIDTH-1:0] rest, rest_next;
  logic [COUNT_BITS-1:0] count, total;
  logic take, give, step;

  assign take = count < COUNT_BITS'(OUT_UNITS);
  assign total = take ? count + COUNT_BITS'(IN_UNITS) : count;
  assign give = total >= COUNT_BITS'(OUT_UNITS);
  assign step = (in_valid || !take) && (out_ready || !give);
  assign in_ready = take && (out_ready || !give);
  assign out_valid = give && (in_valid || !take);

  // The units in hand are the `count` left over, then those of a beat taken. The first OUT_UNITS of them are given.
  always_comb begin
    out_data  = (OUT_UNITS * WIDTH)'(rest);
    rest_next = IN_UNITS > OUT_UNITS ? rest >> (OUT_UNITS * WIDTH) : rest;
    for (int unsigned k = 0; k < OUT_UNITS; k++) begin
      for (int unsigned i = 0; i < IN_UNITS; i++) begin
        if (count == COUNT_BITS'(k)) begin
          if (k + IN_UNITS < OUT_UNITS) begin
            rest_next[(k+i)*WIDTH+:WIDTH] = in_data[i*WIDTH+:WIDTH];
          end else if (k + i < OUT_UNITS) begin
            out_data[(k+i)*WIDTH+:WIDTH] = in_data[i*WIDTH+:WIDTH];
          end else begin
            rest_next[(k+i-OUT_UNITS)*WIDTH+:WIDTH] = in_data[i*WIDTH+:WIDTH];
          end
        end
      end
    end
  end

  always_ff @(posedge clk) begin
    if (step) begin
      rest <= rest_next;
    end
    if (rst) begin
      count <= '0;
    end else if (step) begin
      count <= give ? total - COUNT_BITS'(OUT_UNITS) : total;
    end
  end

  // The elastic stage stands on the narrower side.
  if (IN_UNITS < OUT_UNITS) begin : gen_up

    skid_buffer #(
        .WIDTH(IN_UNITS * WIDTH)
    ) slice (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(s_axis_tdata),
        .s_axis_tvalid(s_axis_tvalid),
        .s_axis_tready(s_axis_tready),
        .m_axis_tdata(in_data),
        .m_axis_tvalid(in_valid),
        .m_axis_tready(in_ready)
    );

    assign out_ready = m_axis_tready || !m_axis_tvalid;

    always_ff @(posedge clk) begin
      if (out_ready) begin
        m_axis_tdata <= out_data;
      end
      if (rst) begin
        m_axis_tvalid <= 1'b0;
      end else if (out_ready) begin
        m_axis_tvalid <= out_valid;
      end
    end

  end else begin : gen_down

    assign in_data = s_axis_tdata;
    assign in_valid = s_axis_tvalid;
    assign s_axis_tready = in_ready;

    skid_buffer #(
        .WIDTH(OUT_UNITS * WIDTH)
    ) slice (
        .clk(clk),
        .rst(rst),
        .s_axis_tdata(out_data),
        .s_axis_tvalid(out_valid),
        .s_axis_tready(out_ready),
        .m_axis_tdata(m_axis_tdata),
        .m_axis_tvalid(m_axis_tvalid),
        .m_axis_tready(m_axis_tready)
    );

  end

endmodule

`default_nettype wire
