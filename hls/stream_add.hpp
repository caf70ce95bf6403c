// stream_add: y = A * a + B * b, element by element, of two streams.
//
// Streams     LANES elements a word, FRAME words a frame on each
// Interval    1 word a cycle
#ifndef QCOMPILE_STREAM_ADD_HPP
#define QCOMPILE_STREAM_ADD_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned LANES, unsigned A_BITS, bool A_SIGNED, int A, unsigned B_BITS, bool B_SIGNED, int B,
          unsigned OUTPUT_BITS>
void stream_add(stream<LANES * A_BITS> &s_axis_a, stream<LANES * B_BITS> &s_axis_b, stream<LANES * OUTPUT_BITS> &m_axis) {
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    const ap_uint<LANES * A_BITS> a = s_axis_a.read();
    const ap_uint<LANES * B_BITS> b = s_axis_b.read();
    ap_uint<LANES * OUTPUT_BITS> sums = 0;
    for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
      const ap_uint<OUTPUT_BITS> sum =
          element<A_BITS, A_SIGNED>(a, lane) * ap_int<32>(A) + element<B_BITS, B_SIGNED>(b, lane) * ap_int<32>(B);
      set_element(sums, lane, sum);
    }
    m_axis.write(sums);
  }
}

}  // namespace qcompile

#endif
