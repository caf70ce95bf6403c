// stream_multiply: y = (A_FACTOR * a + A_TERM) * (B_FACTOR * b + B_TERM), element by element, of two streams.
//
// Streams     LANES elements a word, FRAME words a frame on each
// Interval    1 word a cycle
//
// What is multiplied has LEFT_BITS and RIGHT_BITS.
#ifndef QCOMPILE_STREAM_MULTIPLY_HPP
#define QCOMPILE_STREAM_MULTIPLY_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned LANES, unsigned A_BITS, bool A_SIGNED, int A_FACTOR, int A_TERM, unsigned LEFT_BITS,
          bool LEFT_SIGNED, unsigned B_BITS, bool B_SIGNED, int B_FACTOR, int B_TERM, unsigned RIGHT_BITS, bool RIGHT_SIGNED,
          unsigned OUTPUT_BITS, bool USE_DSP>
void stream_multiply(stream<LANES * A_BITS> &s_axis_a, stream<LANES * B_BITS> &s_axis_b,
                     stream<LANES * OUTPUT_BITS> &m_axis) {
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    const ap_uint<LANES * A_BITS> a = s_axis_a.read();
    const ap_uint<LANES * B_BITS> b = s_axis_b.read();
    ap_uint<LANES * OUTPUT_BITS> products = 0;
    for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
      const integer<LEFT_BITS, LEFT_SIGNED> left = element<A_BITS, A_SIGNED>(a, lane) * ap_int<32>(A_FACTOR) + A_TERM;
      const integer<RIGHT_BITS, RIGHT_SIGNED> right = element<B_BITS, B_SIGNED>(b, lane) * ap_int<32>(B_FACTOR) + B_TERM;
      set_element(products, lane, ap_uint<OUTPUT_BITS>(multiply<USE_DSP>(left, right)));
    }
    m_axis.write(products);
  }
}

}  // namespace qcompile

#endif
