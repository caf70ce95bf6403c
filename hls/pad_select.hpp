// pad_select: elements of a word in the width of what goes out, or padding in each of them.
#ifndef QCOMPILE_PAD_SELECT_HPP
#define QCOMPILE_PAD_SELECT_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned LANES, unsigned ELEMENT_BITS, unsigned OUTPUT_BITS, bool IS_SIGNED, int PADDING>
ap_uint<LANES * OUTPUT_BITS> pad_select(bool outside, const ap_uint<LANES * ELEMENT_BITS> &elements) {
#pragma HLS INLINE
  static_assert(OUTPUT_BITS >= ELEMENT_BITS, "OUTPUT_BITS must be no less than ELEMENT_BITS");
  ap_uint<LANES * OUTPUT_BITS> selected = 0;
  for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
    const ap_uint<OUTPUT_BITS> value = element<ELEMENT_BITS, IS_SIGNED>(elements, lane);
    set_element(selected, lane, outside ? ap_uint<OUTPUT_BITS>(ap_int<32>(PADDING)) : value);
  }
  return selected;
}

}  // namespace qcompile

#endif
