// matrix_matrix_unit: C = A * B of two matrices that both come as streams, LANES products a cycle.
//
// Handshake   AXI-Stream; input 0 (A) is the low part of s_axis_tdata and bit 0 of s_axis_tvalid and s_axis_tready, input 1
//             (B) the rest. Each input is taken into a slice of two beats when it comes. Neither s_axis_tready nor
//             m_axis_tvalid depends on an input of the same cycle.
// Interval    ROWS * MIDDLE * INNER cycles a product. The rows of A meet B one after another: B is taken during the first
//             row, kept, and replayed for the others; the next product begins in the cycle after the last step.
// Latency     4 + dot cycles, from the step that completes a beat of sums, dot = TRANSPOSED ? 1 + ceil(ceil(log2(LANES)) / 2) : 1
//
// A comes row by row. TRANSPOSED: B comes column by column, both LANES elements of the summed axis a beat; MIDDLE columns,
// INNER beats a column; a row of A is kept and replayed for every column; one sum a beat. Otherwise B comes row by row, LANES
// columns a beat; MIDDLE rows, INNER beats a row; A comes one element a beat, which is held for a row of B; LANES sums a beat.
// What is multiplied is A_FACTOR * a + A_TERM (of LEFT_BITS) and B_FACTOR * b + B_TERM (of RIGHT_BITS).
`default_nettype none

module matrix_matrix_unit #(
    parameter int unsigned ROWS         = 3,
    parameter int unsigned MIDDLE       = 4,
    parameter int unsigned INNER        = 2,
    parameter int unsigned LANES        = 2,
    parameter bit          TRANSPOSED   = 1'b1,
    parameter int unsigned A_BITS       = 4,
    parameter bit          A_SIGNED     = 1'b0,
    parameter int          A_FACTOR     = 1,
    parameter int          A_TERM       = 0,
    parameter int unsigned LEFT_BITS    = 4,
    parameter bit          LEFT_SIGNED  = 1'b0,
    parameter int unsigned B_BITS       = 4,
    parameter bit          B_SIGNED     = 1'b0,
    parameter int          B_FACTOR     = 1,
    parameter int          B_TERM       = 0,
    parameter int unsigned RIGHT_BITS   = 4,
    parameter bit          RIGHT_SIGNED = 1'b0,
    parameter int unsigned OUTPUT_BITS  = 10,
    parameter              RAM_STYLE    = "auto",
    parameter bit          USE_DSP      = 1'b0,
    localparam int unsigned A_LANES = TRANSPOSED ? LANES : 1,
    localparam int unsigned C_LANES = TRANSPOSED ? 1 : LANES
) (
    input  wire logic                                  clk,
    input  wire logic                                  rst,
    input  wire logic [A_LANES*A_BITS+LANES*B_BITS-1:0] s_axis_tdata,
    input  wire logic [1:0]                            s_axis_tvalid,
    output      logic [1:0]                            s_axis_tready,
    output      logic [C_LANES*OUTPUT_BITS-1:0]        m_axis_tdata,
    output      logic                                  m_axis_tvalid,
    input  wire logic                                  m_axis_tready
);

  if (ROWS == 0 || MIDDLE == 0 || INNER == 0 || LANES == 0) begin : gen_illegal_size
    $error("matrix_matrix_unit: ROWS, MIDDLE, INNER and LANES must be at least 1");
  end
  if (A_BITS == 0 || B_BITS == 0 || LEFT_BITS == 0 || RIGHT_BITS == 0 || OUTPUT_BITS == 0) begin : gen_illegal_bits
    $error("matrix_matrix_unit: A_BITS, B_BITS, LEFT_BITS, RIGHT_BITS and OUTPUT_BITS must be at least 1");
  end

  localparam int unsigned SIMD = A_LANES;
  localparam int unsigned DOT_LATENCY = 1 + ($clog2(SIMD) + 1) / 2;
  localparam int unsigned WORDS = MIDDLE * INNER;
  localparam int unsigned WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int unsigned ROW_BITS = ROWS > 1 ? $clog2(ROWS) : 1;
  localparam int unsigned MIDDLE_BITS = MIDDLE > 1 ? $clog2(MIDDLE) : 1;
  localparam int unsigned INNER_BITS = INNER > 1 ? $clog2(INNER) : 1;
  localparam int unsigned A_KEPT = TRANSPOSED && MIDDLE > 1 ? INNER : 1;
  localparam int unsigned A_KEPT_BITS = A_KEPT > 1 ? $clog2(A_KEPT) : 1;
  localparam int unsigned B_KEPT = ROWS > 1 ? WORDS : 1;
  localparam int unsigned B_KEPT_BITS = B_KEPT > 1 ? $clog2(B_KEPT) : 1;
  localparam int unsigned PARTIAL = TRANSPOSED ? 1 : INNER;
  localparam int unsigned PARTIAL_BITS = PARTIAL > 1 ? $clog2(PARTIAL) : 1;

  // Each input waits in a slice of its own, so that no valid leads to the other input's ready.
  logic [SIMD*A_BITS-1:0]  a_data;
  logic [LANES*B_BITS-1:0] b_data;
  logic                    a_valid, b_valid, enable, slice_ready, step, take_a, take_b;

  skid_buffer #(
      .WIDTH(SIMD * A_BITS)
  ) slice_a (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[SIMD*A_BITS-1:0]),
      .s_axis_tvalid(s_axis_tvalid[0]),
      .s_axis_tready(s_axis_tready[0]),
      .m_axis_tdata(a_data),
      .m_axis_tvalid(a_valid),
      .m_axis_tready(step && take_a)
  );

  skid_buffer #(
      .WIDTH(LANES * B_BITS)
  ) slice_b (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(s_axis_tdata[SIMD*A_BITS+LANES*B_BITS-1:SIMD*A_BITS]),
      .s_axis_tvalid(s_axis_tvalid[1]),
      .s_axis_tready(s_axis_tready[1]),
      .m_axis_tdata(b_data),
      .m_axis_tvalid(b_valid),
      .m_axis_tready(step && take_b)
  );

  // Control: the position in the product.
  logic [ROW_BITS-1:0]    row;
  logic [MIDDLE_BITS-1:0] middle;
  logic [INNER_BITS-1:0]  inner;
  logic [WORD_BITS-1:0]   word;
  logic                   first_inner, last_inner, first_middle, last_middle, last_row;

  assign first_inner  = inner == '0;
  assign last_inner   = inner == INNER_BITS'(INNER - 1);
  assign first_middle = middle == '0;
  assign last_middle  = middle == MIDDLE_BITS'(MIDDLE - 1);
  assign last_row     = row == ROW_BITS'(ROWS - 1);
  assign take_a       = TRANSPOSED ? first_middle : first_inner;
  assign take_b       = row == '0;
  assign step         = enable && (a_valid || !take_a) && (b_valid || !take_b);

  always_ff @(posedge clk) begin
    if (rst) begin
      row    <= '0;
      middle <= '0;
      inner  <= '0;
      word   <= '0;
    end else if (step) begin
      inner <= last_inner ? '0 : inner + 1'b1;
      word  <= last_inner && last_middle ? '0 : word + 1'b1;
      if (last_inner) begin
        middle <= last_middle ? '0 : middle + 1'b1;
        if (last_middle) begin
          row <= last_row ? '0 : row + 1'b1;
        end
      end
    end
  end

  // Operands: what comes, with its factor and its term, or what was kept.
  logic [SIMD*LEFT_BITS-1:0]   a_offered, left;
  logic [LANES*RIGHT_BITS-1:0] b_offered, right;

  for (genvar lane = 0; lane < SIMD; lane++) begin : gen_a
    logic [A_BITS-1:0] a;

    assign a = a_data[lane*A_BITS+:A_BITS];
    assign a_offered[lane*LEFT_BITS+:LEFT_BITS] =
        LEFT_BITS'($signed({A_SIGNED & a[A_BITS-1], a})) * LEFT_BITS'(A_FACTOR) + LEFT_BITS'(A_TERM);
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_b
    logic [B_BITS-1:0] b;

    assign b = b_data[lane*B_BITS+:B_BITS];
    assign b_offered[lane*RIGHT_BITS+:RIGHT_BITS] =
        RIGHT_BITS'($signed({B_SIGNED & b[B_BITS-1], b})) * RIGHT_BITS'(B_FACTOR) + RIGHT_BITS'(B_TERM);
  end

  input_buffer #(
      .WIDTH(SIMD * LEFT_BITS),
      .DEPTH(A_KEPT)
  ) row_buffer (
      .clk(clk),
      .enable(enable),
      .write(take_a),
      .address(A_KEPT_BITS'(inner)),
      .write_data(a_offered),
      .data(left)
  );

  input_buffer #(
      .WIDTH(LANES * RIGHT_BITS),
      .DEPTH(B_KEPT),
      .RAM_STYLE(RAM_STYLE)
  ) matrix_buffer (
      .clk(clk),
      .enable(enable),
      .write(take_b),
      .address(B_KEPT_BITS'(word)),
      .write_data(b_offered),
      .data(right)
  );

  // Flags beside the data: bit 0 with the operands, bit DOT_LATENCY with the dot products.
  logic [DOT_LATENCY:0] valid, first, last;

  always_ff @(posedge clk) begin
    if (rst) begin
      valid <= '0;
    end else if (enable) begin
      valid <= {valid[DOT_LATENCY-1:0], step};
    end
    if (enable) begin
      first <= {first[DOT_LATENCY-1:0], TRANSPOSED ? first_inner : first_middle};
      last  <= {last[DOT_LATENCY-1:0], TRANSPOSED ? last_inner : last_middle};
    end
  end

  // Dot products, then sums: what was added up so far comes from the memory, and goes back.
  logic [PARTIAL_BITS-1:0]        fold;
  logic [C_LANES*OUTPUT_BITS-1:0] partial[PARTIAL];
  logic [C_LANES*OUTPUT_BITS-1:0] held, dots, sums, result;
  logic                           finished;

  assign held = partial[fold];

  for (genvar lane = 0; lane < C_LANES; lane++) begin : gen_c
    dot_product_products #(
        .SIMD(SIMD),
        .INPUT_BITS(LEFT_BITS),
        .INPUT_SIGNED(LEFT_SIGNED),
        .WEIGHT_BITS(RIGHT_BITS),
        .WEIGHT_SIGNED(RIGHT_SIGNED),
        .SUM_BITS(OUTPUT_BITS),
        .USE_DSP(USE_DSP)
    ) dot (
        .clk(clk),
        .enable(enable),
        .inputs(left),
        .weights(right[lane*SIMD*RIGHT_BITS+:SIMD*RIGHT_BITS]),
        .sum(dots[lane*OUTPUT_BITS+:OUTPUT_BITS])
    );

    assign sums[lane*OUTPUT_BITS+:OUTPUT_BITS] = dots[lane*OUTPUT_BITS+:OUTPUT_BITS]
        + (first[DOT_LATENCY] ? '0 : held[lane*OUTPUT_BITS+:OUTPUT_BITS]);
  end

  if (PARTIAL > 1) begin : gen_fold
    always_ff @(posedge clk) begin
      if (rst) begin
        fold <= '0;
      end else if (enable && valid[DOT_LATENCY]) begin
        fold <= fold == PARTIAL_BITS'(PARTIAL - 1) ? '0 : fold + 1'b1;
      end
    end
  end else begin : gen_no_fold
    assign fold = '0;
  end

  always_ff @(posedge clk) begin
    if (enable && valid[DOT_LATENCY]) begin
      partial[fold] <= sums;
    end
    if (enable) begin
      result <= sums;
    end
    if (rst) begin
      finished <= 1'b0;
    end else if (enable) begin
      finished <= valid[DOT_LATENCY] && last[DOT_LATENCY];
    end
  end

  // Nothing has to wait for the output while there is nothing for it.
  assign enable = slice_ready || !finished;

  skid_buffer #(
      .WIDTH(C_LANES * OUTPUT_BITS)
  ) slice (
      .clk(clk),
      .rst(rst),
      .s_axis_tdata(result),
      .s_axis_tvalid(finished),
      .s_axis_tready(slice_ready),
      .m_axis_tdata(m_axis_tdata),
      .m_axis_tvalid(m_axis_tvalid),
      .m_axis_tready(m_axis_tready)
  );

endmodule

`default_nettype wire
