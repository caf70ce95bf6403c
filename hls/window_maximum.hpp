// window_maximum: for each channel the greatest of POSITIONS elements, PE channels a cycle.
//
// Streams     in: POSITIONS pixels of FOLDS words of PE elements a window, FRAME words a frame. Out: FOLDS words a window
// Interval    1 word a cycle in
#ifndef QCOMPILE_WINDOW_MAXIMUM_HPP
#define QCOMPILE_WINDOW_MAXIMUM_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned PE, unsigned FOLDS, unsigned POSITIONS, unsigned INPUT_BITS, bool INPUT_SIGNED>
void window_maximum(stream<PE * INPUT_BITS> &s_axis, stream<PE * INPUT_BITS> &m_axis) {
  static_assert(FRAME % (POSITIONS * FOLDS) == 0, "a frame is made of whole windows");

  ap_uint<PE * INPUT_BITS> partial[FOLDS];
  for (unsigned window = 0; window < FRAME / (POSITIONS * FOLDS); window++) {
    for (unsigned position = 0; position < POSITIONS; position++) {
      for (unsigned fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
        const ap_uint<PE * INPUT_BITS> offered = s_axis.read();
        ap_uint<PE * INPUT_BITS> greatest = position == 0 ? offered : partial[fold];
        for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
          if (element<INPUT_BITS, INPUT_SIGNED>(offered, lane) > element<INPUT_BITS, INPUT_SIGNED>(greatest, lane)) {
            set_element(greatest, lane, element<INPUT_BITS>(offered, lane));
          }
        }
        partial[fold] = greatest;
        if (position == POSITIONS - 1) m_axis.write(greatest);
      }
    }
  }
}

}  // namespace qcompile

#endif
