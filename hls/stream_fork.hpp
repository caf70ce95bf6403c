// stream_fork: every word of one stream to N others.
//
// Streams     FRAME words of WIDTH bits a frame
// Interval    1 word a cycle
#ifndef QCOMPILE_STREAM_FORK_HPP
#define QCOMPILE_STREAM_FORK_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned WIDTH, unsigned N, class... OUTPUTS>
void stream_fork(stream<WIDTH> &s_axis, OUTPUTS &...m_axis) {
  static_assert(sizeof...(OUTPUTS) == N, "a fork has N outputs");
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    const ap_uint<WIDTH> word = s_axis.read();
    (m_axis.write(word), ...);
  }
}

}  // namespace qcompile

#endif
