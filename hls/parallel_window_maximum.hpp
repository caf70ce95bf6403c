// parallel_window_maximum: for each channel the greatest of the POSITIONS elements of a window, a window a cycle.
//
// Streams     in: a window a word, POSITIONS pixels of CHANNELS elements, FRAME windows a frame. Out: the CHANNELS greatest
// Interval    1 cycle a window
#ifndef QCOMPILE_PARALLEL_WINDOW_MAXIMUM_HPP
#define QCOMPILE_PARALLEL_WINDOW_MAXIMUM_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned CHANNELS, unsigned POSITIONS, unsigned INPUT_BITS, bool INPUT_SIGNED>
void parallel_window_maximum(stream<POSITIONS * CHANNELS * INPUT_BITS> &s_axis, stream<CHANNELS * INPUT_BITS> &m_axis) {
  for (unsigned window = 0; window < FRAME; window++) {
#pragma HLS PIPELINE II=1
    const ap_uint<POSITIONS * CHANNELS * INPUT_BITS> inputs = s_axis.read();
    ap_uint<CHANNELS * INPUT_BITS> results = 0;
    for (unsigned channel = 0; channel < CHANNELS; channel++) {
#pragma HLS UNROLL
      auto greatest = element<INPUT_BITS, INPUT_SIGNED>(inputs, channel);
      for (unsigned p = 1; p < POSITIONS; p++) {
#pragma HLS UNROLL
        const auto offered = element<INPUT_BITS, INPUT_SIGNED>(inputs, p * CHANNELS + channel);
        if (offered > greatest) greatest = offered;
      }
      set_element(results, channel, ap_uint<INPUT_BITS>(greatest));
    }
    m_axis.write(results);
  }
}

}  // namespace qcompile

#endif
