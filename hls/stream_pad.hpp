// stream_pad: an image with padding on its four sides.
//
// Streams     in: HEIGHT * WIDTH pixels, row by row, each of FOLDS words of LANES elements. Out: PAD_TOP rows, PAD_LEFT pixels
//             before and PAD_RIGHT behind each row, PAD_BOTTOM rows more, each element of them PADDING
// Interval    1 word a cycle out
#ifndef QCOMPILE_STREAM_PAD_HPP
#define QCOMPILE_STREAM_PAD_HPP

#include "pad_select.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned LANES, unsigned ELEMENT_BITS, unsigned OUTPUT_BITS, bool IS_SIGNED, int PADDING,
          unsigned FOLDS, unsigned HEIGHT, unsigned WIDTH, unsigned PAD_TOP, unsigned PAD_LEFT, unsigned PAD_BOTTOM,
          unsigned PAD_RIGHT>
void stream_pad(stream<LANES * ELEMENT_BITS> &s_axis, stream<LANES * OUTPUT_BITS> &m_axis) {
  constexpr int TOP = PAD_TOP, LEFT = PAD_LEFT;
  static_assert(FRAME == HEIGHT * WIDTH * FOLDS, "a frame is one image");

  for (int y = -TOP; y < int(HEIGHT + PAD_BOTTOM); y++) {
    for (int x = -LEFT; x < int(WIDTH + PAD_RIGHT); x++) {
      for (unsigned fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
        const bool outside = y < 0 || y >= int(HEIGHT) || x < 0 || x >= int(WIDTH);
        ap_uint<LANES * ELEMENT_BITS> word = 0;
        if (!outside) word = s_axis.read();
        m_axis.write(pad_select<LANES, ELEMENT_BITS, OUTPUT_BITS, IS_SIGNED, PADDING>(outside, word));
      }
    }
  }
}

}  // namespace qcompile

#endif
