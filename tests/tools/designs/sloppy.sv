// A module that lint has something to say about: a value that is cut to fit.
module sloppy (
    input  logic [7:0] a,
    output logic [3:0] b
);
  assign b = a + 8'd1;
endmodule
