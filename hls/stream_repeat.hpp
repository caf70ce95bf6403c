// stream_repeat: each vector of BEATS words comes out TIMES times, each lane COPIES times side by side.
//
// Streams     LANES elements a word in, FRAME words a frame; LANES * COPIES elements a word out
// Interval    BEATS * TIMES cycles a vector: the first of them take it, and it is replayed
#ifndef QCOMPILE_STREAM_REPEAT_HPP
#define QCOMPILE_STREAM_REPEAT_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned BITS, unsigned LANES, unsigned COPIES, unsigned BEATS, unsigned TIMES>
void stream_repeat(stream<LANES * BITS> &s_axis, stream<LANES * COPIES * BITS> &m_axis) {
  static_assert(FRAME % BEATS == 0, "a frame is made of whole vectors");

  ap_uint<LANES * BITS> vector[BEATS];
  for (unsigned v = 0; v < FRAME / BEATS; v++) {
    for (unsigned time = 0; time < TIMES; time++) {
      for (unsigned beat = 0; beat < BEATS; beat++) {
#pragma HLS PIPELINE II=1
        if (time == 0) vector[beat] = s_axis.read();
        const ap_uint<LANES * BITS> word = vector[beat];
        ap_uint<LANES * COPIES * BITS> copies = 0;
        for (unsigned lane = 0; lane < LANES * COPIES; lane++) {
#pragma HLS UNROLL
          set_element(copies, lane, element<BITS>(word, lane / COPIES));
        }
        m_axis.write(copies);
      }
    }
  }
}

}  // namespace qcompile

#endif
