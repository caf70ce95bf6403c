// matrix_sequence: what a table says of the matrix that each vector of a frame meets.
//
// Handshake   none: `data` is the word of the present vector's matrix, after reset of the first; `advance` goes to the next
// Interval    1 vector a cycle
// Latency     none
//
// A frame is FRAME_ROWS rows of ROW_VECTORS vectors. Row y meets the PLACES matrices of segment y mod SEGMENTS in turn, from
// the first on. FILE is a $readmemh file of SEGMENTS * PLACES words of WIDTH bits, segment by segment.
`default_nettype none

module matrix_sequence #(
    parameter int unsigned SEGMENTS    = 2,
    parameter int unsigned PLACES      = 2,
    parameter int unsigned ROW_VECTORS = 3,
    parameter int unsigned FRAME_ROWS  = 3,
    parameter int unsigned WIDTH       = 8,
    parameter              FILE        = ""
) (
    input  wire logic             clk,
    input  wire logic             rst,
    input  wire logic             advance,
    output      logic [WIDTH-1:0] data
);

  localparam int unsigned MATRICES = SEGMENTS * PLACES;
  localparam int unsigned INDEX_BITS = MATRICES > 1 ? $clog2(MATRICES) : 1;
  localparam int unsigned PLACE_BITS = PLACES > 1 ? $clog2(PLACES) : 1;
  localparam int unsigned VECTOR_BITS = ROW_VECTORS > 1 ? $clog2(ROW_VECTORS) : 1;
  localparam int unsigned ROW_BITS = FRAME_ROWS > 1 ? $clog2(FRAME_ROWS) : 1;

  if (SEGMENTS == 0 || PLACES == 0 || ROW_VECTORS == 0 || FRAME_ROWS == 0 || WIDTH == 0) begin : gen_illegal
    $error("matrix_sequence: SEGMENTS, PLACES, ROW_VECTORS, FRAME_ROWS and WIDTH must be at least 1");
  end

  // `base` is the first matrix of the present segment.
  logic [PLACE_BITS-1:0]  place;
  logic [VECTOR_BITS-1:0] vector;
  logic [ROW_BITS-1:0]    row;
  logic [INDEX_BITS-1:0]  base, next_base, next_index;
  logic last_place, last_vector, last_row, last_segment;

  assign last_place   = place == PLACE_BITS'(PLACES - 1);
  assign last_vector  = vector == VECTOR_BITS'(ROW_VECTORS - 1);
  assign last_row     = row == ROW_BITS'(FRAME_ROWS - 1);
  assign last_segment = base == INDEX_BITS'(MATRICES - PLACES);
  assign next_base    = last_row || last_segment ? '0 : base + INDEX_BITS'(PLACES);

  always_comb begin
    if (rst) next_index = '0;
    else if (last_vector) next_index = next_base;
    else if (last_place) next_index = base;
    else next_index = base + INDEX_BITS'(place) + 1'b1;
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      place  <= '0;
      vector <= '0;
      row    <= '0;
      base   <= '0;
    end else if (advance) begin
      place  <= last_place || last_vector ? '0 : place + 1'b1;
      vector <= last_vector ? '0 : vector + 1'b1;
      if (last_vector) begin
        row  <= last_row ? '0 : row + 1'b1;
        base <= next_base;
      end
    end
  end

  rom #(
      .WIDTH(WIDTH),
      .DEPTH(MATRICES),
      .RAM_STYLE("distributed"),
      .FILE(FILE)
  ) table_ (
      .clk(clk),
      .enable(advance || rst),
      .address(next_index),
      .data(data)
  );

endmodule

`default_nettype wire
