// width_converter: words of IN_UNITS units of WIDTH bits to words of OUT_UNITS units.
//
// Streams     FRAME words a frame in, FRAME * IN_UNITS / OUT_UNITS out: any two widths that divide the frame
// Interval    a cycle for each word of the side that has more
#ifndef QCOMPILE_WIDTH_CONVERTER_HPP
#define QCOMPILE_WIDTH_CONVERTER_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned WIDTH, unsigned IN_UNITS, unsigned OUT_UNITS>
void width_converter(stream<WIDTH * IN_UNITS> &s_axis, stream<WIDTH * OUT_UNITS> &m_axis) {
  constexpr unsigned OUT_BEATS = FRAME * IN_UNITS / OUT_UNITS;
  constexpr unsigned CAPACITY = IN_UNITS + OUT_UNITS;
  static_assert(FRAME * IN_UNITS == OUT_BEATS * OUT_UNITS, "both widths must divide the frame");

  ap_uint<WIDTH * CAPACITY> rest = 0;  // units that wait, the first in the low bits
  unsigned held = 0;
  for (unsigned step = 0; step < (FRAME > OUT_BEATS ? FRAME : OUT_BEATS); step++) {
#pragma HLS PIPELINE II=1
    // To wider words each step takes one, to narrower words each step gives one.
    if (IN_UNITS < OUT_UNITS || held < OUT_UNITS) {
      const ap_uint<WIDTH * CAPACITY> word = s_axis.read();
      rest |= word << (WIDTH * held);
      held += IN_UNITS;
    }
    if (held >= OUT_UNITS) {
      m_axis.write(ap_uint<WIDTH * OUT_UNITS>(rest));
      rest >>= WIDTH * OUT_UNITS;
      held -= OUT_UNITS;
    }
  }
}

}  // namespace qcompile

#endif
