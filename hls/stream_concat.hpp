// stream_concat: the vectors of two streams side by side: one of a, one of b, in turn.
//
// Streams     a vector of a has A_BEATS words of A_LANES elements, one of b B_BEATS words of B_LANES; FRAME words of a a frame.
//             Words go one after another, and both have the same number of lanes; if WHOLE, both vectors are one word, and go as
//             one word, a in the low part. Elements are extended to OUTPUT_BITS
// Interval    A_BEATS + B_BEATS cycles a vector; 1 cycle if WHOLE
#ifndef QCOMPILE_STREAM_CONCAT_HPP
#define QCOMPILE_STREAM_CONCAT_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned A_BEATS, unsigned A_LANES, unsigned A_BITS, bool A_SIGNED, unsigned B_BEATS,
          unsigned B_LANES, unsigned B_BITS, bool B_SIGNED, unsigned OUTPUT_BITS, bool WHOLE>
void stream_concat(stream<A_LANES * A_BITS> &s_axis_a, stream<B_LANES * B_BITS> &s_axis_b,
                   stream<(WHOLE ? A_LANES + B_LANES : A_LANES) * OUTPUT_BITS> &m_axis) {
  constexpr unsigned LANES = WHOLE ? A_LANES + B_LANES : A_LANES;
  static_assert(WHOLE ? A_BEATS == 1 && B_BEATS == 1 : A_LANES == B_LANES, "one word a vector if WHOLE, else equal lanes");

  for (unsigned v = 0; v < FRAME / A_BEATS; v++) {
    for (unsigned beat = 0; beat < (WHOLE ? 1 : A_BEATS + B_BEATS); beat++) {
#pragma HLS PIPELINE II=1
      ap_uint<LANES * OUTPUT_BITS> word = 0;
      if (WHOLE || beat < A_BEATS) {
        const ap_uint<A_LANES * A_BITS> a = s_axis_a.read();
        for (unsigned lane = 0; lane < A_LANES; lane++) {
#pragma HLS UNROLL
          set_element(word, lane, ap_uint<OUTPUT_BITS>(element<A_BITS, A_SIGNED>(a, lane)));
        }
      }
      if (WHOLE || beat >= A_BEATS) {
        const ap_uint<B_LANES * B_BITS> b = s_axis_b.read();
        for (unsigned lane = 0; lane < B_LANES; lane++) {
#pragma HLS UNROLL
          set_element(word, (WHOLE ? A_LANES : 0) + lane, ap_uint<OUTPUT_BITS>(element<B_BITS, B_SIGNED>(b, lane)));
        }
      }
      m_axis.write(word);
    }
  }
}

}  // namespace qcompile

#endif
