// argmax: index of the greatest of ELEMENTS elements, LANES of them a word.
//
// Streams     in: ELEMENTS/LANES = FRAME words a frame. Out: one index
// Interval    ELEMENTS/LANES cycles a frame
//
// Elements are compared by their keys: x itself, or where OFFSETS x * 2**SHIFT + the element's offset modulo 2**KEY_BITS as
// an unsigned number. Of equal keys the first wins, or where SELECT_LAST the last.
#ifndef QCOMPILE_ARGMAX_HPP
#define QCOMPILE_ARGMAX_HPP

#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned ELEMENTS, unsigned LANES, unsigned INPUT_BITS, bool INPUT_SIGNED, unsigned KEY_BITS,
          bool OFFSETS, unsigned SHIFT, bool SELECT_LAST, class... MEMORY>
void argmax(stream<LANES * INPUT_BITS> &s_axis, stream<bits_of(ELEMENTS - 1)> &m_axis, const MEMORY &...offsets) {
  static_assert(ELEMENTS == LANES * FRAME, "LANES must divide ELEMENTS, which are a frame");
  static_assert(OFFSETS || KEY_BITS == INPUT_BITS, "KEY_BITS must be INPUT_BITS where there are no OFFSETS");
  static_assert(sizeof...(MEMORY) == OFFSETS, "offsets are one memory where there are any");
  typedef integer<KEY_BITS, INPUT_SIGNED && !OFFSETS> key_type;

  key_type greatest = 0;
  ap_uint<bits_of(ELEMENTS - 1)> index = 0;
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    const ap_uint<LANES * INPUT_BITS> values = s_axis.read();
    for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
      const auto x = element<INPUT_BITS, INPUT_SIGNED>(values, lane);
      key_type key = x;
      if constexpr (OFFSETS) {
        key <<= SHIFT;
        key += (element<KEY_BITS>(offsets[beat], lane), ...);
      }
      if ((beat == 0 && lane == 0) || key > greatest || (SELECT_LAST && key == greatest)) {
        greatest = key;
        index = beat * LANES + lane;
      }
    }
  }
  m_axis.write(index);
}

}  // namespace qcompile

#endif
