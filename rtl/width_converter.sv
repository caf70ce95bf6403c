// width_converter: repacks beats of IN_UNITS units into beats of OUT_UNITS units, for any pair (a gearbox).
//
// A unit is WIDTH bits, unit 0 in the low bits of a beat. Units keep their order; none are added or lost, so both
// sides align again after every lcm(IN_UNITS, OUT_UNITS) units. IN_UNITS and OUT_UNITS are best coprime.
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

  localparam bit WIDENS = IN_UNITS < OUT_UNITS;
  localparam int unsigned REST = (WIDENS ? OUT_UNITS : IN_UNITS) - 1;  // units that a step can leave over
  localparam int unsigned ALL = IN_UNITS + OUT_UNITS - 1;  // units that a step can have in hand
  localparam int unsigned COUNT_BITS = $clog2(ALL + 1);

  logic [IN_UNITS*WIDTH-1:0] in_data;
  logic [OUT_UNITS*WIDTH-1:0] out_data;
  logic in_valid, in_ready, out_valid, out_ready;
  logic [REST*WIDTH-1:0] rest, rest_next;
  logic [COUNT_BITS-1:0] count, total;
  logic take, give, step;

  // The units in hand are the `count` left over, then those of a beat taken; the first OUT_UNITS of them are given.
  assign take = WIDENS || count < COUNT_BITS'(OUT_UNITS);
  assign total = take ? count + COUNT_BITS'(IN_UNITS) : count;
  assign give = !WIDENS || total >= COUNT_BITS'(OUT_UNITS);
  assign step = (in_valid || !take) && (out_ready || !give);
  assign in_ready = take && (out_ready || !give);
  assign out_valid = give && (in_valid || !take);

  if (IN_UNITS == 1) begin : gen_collect

    // Each beat has its slot; the last needs none.
    assign out_data = {in_data, rest};

    always_comb begin
      rest_next = rest;
      for (int unsigned k = 0; k < REST; k++) begin
        if (count == COUNT_BITS'(k)) begin
          rest_next[k*WIDTH+:WIDTH] = in_data;
        end
      end
    end

  end else if (OUT_UNITS == 1) begin : gen_split

    // A beat is taken when nothing is left over.
    logic [IN_UNITS*WIDTH-1:0] units;

    assign units = take ? in_data : (IN_UNITS * WIDTH)'(rest);
    assign {rest_next, out_data} = units;

  end else begin : gen_shift

    // The beat moves up behind what is left over.
    localparam int STAGES = $clog2(OUT_UNITS);

    logic [ALL*WIDTH-1:0] units;

    always_comb begin
      units = (ALL * WIDTH)'(in_data);
      for (int s = 0; s < STAGES; s++) begin
        if (count[s]) begin
          units = units << (WIDTH << s);
        end
      end
      for (int unsigned k = 0; k < REST; k++) begin
        if (!take || count > COUNT_BITS'(k)) begin
          units[k*WIDTH+:WIDTH] = rest[k*WIDTH+:WIDTH];
        end
      end
    end

    assign out_data = units[OUT_UNITS*WIDTH-1:0];
    assign rest_next = (REST * WIDTH)'(give ? units >> (OUT_UNITS * WIDTH) : units);

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
  if (WIDENS) begin : gen_up

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
