// popcount: how many bits of a word are 1.
#ifndef QCOMPILE_POPCOUNT_HPP
#define QCOMPILE_POPCOUNT_HPP

#include "stream.hpp"

namespace qcompile {

template <int COUNT>
ap_uint<bits_of(COUNT)> popcount(const ap_uint<COUNT> &bits) {
#pragma HLS INLINE
  ap_uint<bits_of(COUNT)> result = 0;
#ifdef __SYNTHESIS__
  for (int k = 0; k < COUNT; k++) {
#pragma HLS UNROLL
    result += bits[k];
  }
#else
  // The same, 64 bits at a time: C simulations count millions of words.
  for (int k = 0; k < COUNT; k += 64) {
    const int last = (k + 64 < COUNT ? k + 64 : COUNT) - 1;
    result += __builtin_popcountll(bits.range(last, k).to_uint64());
  }
#endif
  return result;
}

}  // namespace qcompile

#endif
