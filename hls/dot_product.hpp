// dot_product: sum over SIMD lanes of weight times input, modulo 2**SUM_BITS.
//
// dot_product_products   lane i of an operand stands in bits [i*BITS +: BITS]
// dot_product_planes     bit b of lane i stands in bit b*SIMD + i: the bits of every pair of planes are counted
//
// BIPOLAR     weights are one bit, 1 for +1 and 0 for -1. Where it is 0 the lane adds ~x, which is -x - 1 for a signed x and
//             2**INPUT_BITS - 1 - x for an unsigned x; the caller makes up for that.
#ifndef QCOMPILE_DOT_PRODUCT_HPP
#define QCOMPILE_DOT_PRODUCT_HPP

#include <cstdint>

#include "popcount.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned SIMD, unsigned INPUT_BITS, bool INPUT_SIGNED, unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool BIPOLAR,
          unsigned SUM_BITS, bool USE_DSP>
ap_uint<SUM_BITS> dot_product_products(const ap_uint<SIMD * INPUT_BITS> &inputs,
                                       const ap_uint<SIMD * WEIGHT_BITS> &weights) {
#pragma HLS INLINE
  // Lanes in groups whose operands are machine words in a C simulation; in hardware all of it is wires.
  constexpr unsigned BITS = INPUT_BITS > WEIGHT_BITS ? INPUT_BITS : WEIGHT_BITS;
  constexpr unsigned GROUP = 64 / BITS;
  static_assert(BITS <= 64, "operands have 64 bits at most");
  ap_uint<SUM_BITS> sum = 0;
  for (unsigned first = 0; first < SIMD; first += GROUP) {
#pragma HLS UNROLL
    const unsigned last = (first + GROUP < SIMD ? first + GROUP : SIMD) - 1;
    const std::uint64_t xs = inputs.range((last + 1) * INPUT_BITS - 1, first * INPUT_BITS).to_uint64();
    const std::uint64_t ws = weights.range((last + 1) * WEIGHT_BITS - 1, first * WEIGHT_BITS).to_uint64();
    for (unsigned lane = 0; lane <= last - first; lane++) {
#pragma HLS UNROLL
      const integer<INPUT_BITS, INPUT_SIGNED> x = xs >> (lane * INPUT_BITS);
      const integer<WEIGHT_BITS, WEIGHT_SIGNED> w = ws >> (lane * WEIGHT_BITS);
      if constexpr (BIPOLAR) {
        const ap_uint<INPUT_BITS> bits = x, inverted = ~bits;
        const integer<INPUT_BITS, INPUT_SIGNED> term = w != 0 ? bits : inverted;
        sum += term;
      } else {
        sum += multiply<USE_DSP>(x, w);
      }
    }
  }
  return sum;
}

template <unsigned SIMD, unsigned INPUT_BITS, bool INPUT_SIGNED, unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool BIPOLAR,
          unsigned SUM_BITS>
ap_uint<SUM_BITS> dot_product_planes(const ap_uint<SIMD * INPUT_BITS> &inputs,
                                     const ap_uint<SIMD * WEIGHT_BITS> &weights) {
#pragma HLS INLINE
  ap_uint<SUM_BITS> sum = 0;
  for (unsigned w = 0; w < WEIGHT_BITS; w++) {
#pragma HLS UNROLL
    for (unsigned x = 0; x < INPUT_BITS; x++) {
#pragma HLS UNROLL
      const auto input = element<SIMD>(inputs, x), weight = element<SIMD>(weights, w);
      const ap_uint<SIMD> bits = BIPOLAR ? ap_uint<SIMD>(~(weight ^ input)) : ap_uint<SIMD>(weight & input);
      const ap_uint<SUM_BITS> count = popcount(bits);
      const ap_uint<SUM_BITS> term = count << (w + x);
      const bool negative = (WEIGHT_SIGNED && w == WEIGHT_BITS - 1) != (INPUT_SIGNED && x == INPUT_BITS - 1);
      sum = negative ? ap_uint<SUM_BITS>(sum - term) : ap_uint<SUM_BITS>(sum + term);
    }
  }
  return sum;
}

// Elements of a word, bit plane by bit plane.
template <unsigned LANES, unsigned BITS>
ap_uint<LANES * BITS> bit_planes(const ap_uint<LANES * BITS> &word) {
#pragma HLS INLINE
  if constexpr (BITS == 1) {
    return word;
  } else {
    ap_uint<LANES * BITS> planes = 0;
    for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
      for (unsigned b = 0; b < BITS; b++) {
#pragma HLS UNROLL
        planes[b * LANES + lane] = word[lane * BITS + b];
      }
    }
    return planes;
  }
}

// Either of them.
template <unsigned SIMD, unsigned INPUT_BITS, bool INPUT_SIGNED, unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool BIPOLAR,
          bool PLANES, bool USE_DSP, unsigned SUM_BITS>
ap_uint<SUM_BITS> dot_product(const ap_uint<SIMD * INPUT_BITS> &inputs, const ap_uint<SIMD * WEIGHT_BITS> &weights) {
#pragma HLS INLINE
  if constexpr (PLANES) {
    return dot_product_planes<SIMD, INPUT_BITS, INPUT_SIGNED, WEIGHT_BITS, WEIGHT_SIGNED, BIPOLAR, SUM_BITS>(inputs,
                                                                                                          weights);
  } else {
    return dot_product_products<SIMD, INPUT_BITS, INPUT_SIGNED, WEIGHT_BITS, WEIGHT_SIGNED, BIPOLAR, SUM_BITS, USE_DSP>(
        inputs, weights);
  }
}

}  // namespace qcompile

#endif
