// pad_select: a beat's elements, or PADDING in place of each, in elements that hold both.
//
// Handshake   none: outputs follow inputs
// Interval    1 beat a cycle
// Latency     0 cycles
//
// Elements are widened from ELEMENT_BITS to OUTPUT_BITS by their sign where IS_SIGNED, else by zeros.
`default_nettype none

module pad_select #(
    parameter int unsigned LANES        = 1,
    parameter int unsigned ELEMENT_BITS = 8,
    parameter int unsigned OUTPUT_BITS  = 8,
    parameter bit          IS_SIGNED    = 0,
    parameter int          PADDING      = 0
) (
    input  wire logic                          outside,
    input  wire logic [LANES*ELEMENT_BITS-1:0] elements,
    output      logic [ LANES*OUTPUT_BITS-1:0] selected
);

  if (LANES == 0 || ELEMENT_BITS == 0 || OUTPUT_BITS < ELEMENT_BITS) begin : gen_illegal
    $error("pad_select: LANES and ELEMENT_BITS must be at least 1, OUTPUT_BITS no less than ELEMENT_BITS");
  end

  for (genvar lane = 0; lane < LANES; lane++) begin : gen_lane
    logic [OUTPUT_BITS-1:0] element;

    if (OUTPUT_BITS == ELEMENT_BITS) begin : gen_same
      assign element = elements[lane*ELEMENT_BITS+:ELEMENT_BITS];
    end else begin : gen_wider
      logic top;
      assign top     = IS_SIGNED && elements[(lane+1)*ELEMENT_BITS-1];
      assign element = {{(OUTPUT_BITS - ELEMENT_BITS){top}}, elements[lane*ELEMENT_BITS+:ELEMENT_BITS]};
    end

    assign selected[lane*OUTPUT_BITS+:OUTPUT_BITS] = outside ? OUTPUT_BITS'(PADDING) : element;
  end

endmodule

`default_nettype wire
