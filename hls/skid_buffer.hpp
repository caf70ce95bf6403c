// skid_buffer: passes a stream on; here its channels are registers enough.
//
// Streams     FRAME words of WIDTH bits a frame
// Interval    1 word a cycle
#ifndef QCOMPILE_SKID_BUFFER_HPP
#define QCOMPILE_SKID_BUFFER_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned WIDTH>
void skid_buffer(stream<WIDTH> &s_axis, stream<WIDTH> &m_axis) {
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    m_axis.write(s_axis.read());
  }
}

}  // namespace qcompile

#endif
