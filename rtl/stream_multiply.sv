// stream_multiply: y = (A_FACTOR * a + A_TERM) * (B_FACTOR * b + B_TERM), element by element, of two streams in step.
//
// Handshake   AXI-Stream; input 0 (a) is the low part of s_axis_tdata and bit 0 of s_axis_tvalid and s_axis_tready, input 1
//             (b) the rest. Each input is taken into a slice of two beats when it comes; the product waits for both. Neither
//             s_axis_tready nor m_axis_tvalid depends on an input of the same cycle.
// Interval    1 beat a cycle
// Latency     4 cycles
//
// LEFT_BITS and RIGHT_BITS hold the two factors, as signed numbers where LEFT_SIGNED and RIGHT_SIGNED say so. USE_DSP: see
// dot_product_products.
`default_nettype none

module stream_multiply #(
    parameter int unsigned LANES       = 2,
    parameter int unsigned A_BITS      = 4,
    parameter bit          A_SIGNED    = 1'b0,
    parameter int          A_FACTOR    = 1,
    parameter int          A_TERM      = 0,
    parameter int unsigned LEFT_BITS   = 4,
    parameter bit          LEFT_SIGNED = 1'b0,
    parameter int unsigned B_BITS      = 4,
    parameter bit          B_SIGNED    = 1'b0,
    parameter int          B_FACTOR    = 1,
    parameter int          B_TERM      = 0,
    parameter int unsigned RIGHT_BITS  = 4,
    parameter bit          RIGHT_SIGNED = 1'b0,
    parameter int unsigned OUTPUT_BITS = 8,
    parameter bit          USE_DSP     = 1'b0
) (
    input  wire logic                             clk,
    input  wire logic                             rst,
    input  wire logic [LANES*(A_BITS+B_BITS)-1:0] s_axis_tdata,
    input  wire logic [1:0]                       s_axis_tvalid,
    output      logic [1:0]                       s_axis_tready,
    output      logic [LANES*OUTPUT_BITS-1:0]     m_axis_tdata,
    output      logic                             m_axis_tvalid,
    input  wire logic                             m_axis_tready
);

  if (LANES == 0 || A_BITS == 0 || B_BITS == 0 || OUTPUT_BITS == 0) begin : gen_illegal
    $error("stream_multiply: LANES, A_BITS, B_BITS and OUTPUT_BITS must be at least 1");
  end
  if (LEFT_BITS == 0 || RIGHT_BITS == 0) begin : gen_illegal_factor
    $error("stream_multiply: LEFT_BITS and RIGHT_BITS must be at least 1");
  end

  // Each input waits in a slice of its own, so that no valid leads to the other input's ready.
  logic [LANES*A_BITS-1:0] a_data;
  logic [LANES*B_BITS-1:0] b_data;
  logic                    a_valid, b_valid, enable, slice_ready, step;

  assign step = enable && a_valid && b_valid;

  skid_buffer #(
      .WIDTH(LANES * A_BITS)
  ) slice_a (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[LANES*A_BITS-1:0]),
      .s_axis_tvalid(s_axis_tvalid[0]),
      .s_axis_tready(s_axis_tready[0]),
      .m_axis_tdata(a_data),
      .m_axis_tvalid(a_valid),
      .m_axis_tready(step)
  );

  skid_buffer #(
      .WIDTH(LANES * B_BITS)
  ) slice_b (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[LANES*(A_BITS+B_BITS)-1:LANES*A_BITS]),
      .s_axis_tvalid(s_axis_tvalid[1]),
      .s_axis_tready(s_axis_tready[1]),
      .m_axis_tdata(b_data),
      .m_axis_tvalid(b_valid),
      .m_axis_tready(step)
  );

  // Factors, then products: bit 0 of `valid` is with the factors.
  logic [LANES*OUTPUT_BITS-1:0] products;
  logic [1:0]                   valid;

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    logic [A_BITS-1:0]     a;
    logic [B_BITS-1:0]     b;
    logic [LEFT_BITS-1:0]  a_wide, left;
    logic [RIGHT_BITS-1:0] b_wide, right;

    assign a      = a_data[lane*A_BITS+:A_BITS];
    assign b      = b_data[lane*B_BITS+:B_BITS];
    assign a_wide = LEFT_BITS'($signed({A_SIGNED & a[A_BITS-1], a}));
    assign b_wide = RIGHT_BITS'($signed({B_SIGNED & b[B_BITS-1], b}));

    always_ff @(posedge clk) begin
      if (enable) begin
        left  <= a_wide * LEFT_BITS'(A_FACTOR) + LEFT_BITS'(A_TERM);
        right <= b_wide * RIGHT_BITS'(B_FACTOR) + RIGHT_BITS'(B_TERM);
      end
    end

    dot_product_products #(
        .SIMD(1),
        .INPUT_BITS(LEFT_BITS),
        .INPUT_SIGNED(LEFT_SIGNED),
        .WEIGHT_BITS(RIGHT_BITS),
        .WEIGHT_SIGNED(RIGHT_SIGNED),
        .SUM_BITS(OUTPUT_BITS),
        .USE_DSP(USE_DSP)
    ) multiplier (
        .clk(clk),
        .enable(enable),
        .inputs(left),
        .weights(right),
        .sum(products[lane*OUTPUT_BITS+:OUTPUT_BITS])
    );
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= {valid[0], step};
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !valid[1];

  skid_buffer #(
      .WIDTH(LANES * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(products),
      .s_axis_tvalid(valid[1]),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
