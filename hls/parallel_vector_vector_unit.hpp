// parallel_vector_vector_unit: y[c] = sum over p of w[p,c] * x[p,c] for the POSITIONS pixels p of a window, a window a cycle.
//
// Streams     in: a window a word, POSITIONS pixels of CHANNELS elements, FRAME windows a frame. Out: CHANNELS sums a word
// Interval    1 cycle a window
//
// `weights` is laid out as in rtl/parallel_vector_vector_unit.sv; with ALL_ONES there are none, and the unit adds up.
#ifndef QCOMPILE_PARALLEL_VECTOR_VECTOR_UNIT_HPP
#define QCOMPILE_PARALLEL_VECTOR_VECTOR_UNIT_HPP

#include "dot_product.hpp"
#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned CHANNELS, unsigned POSITIONS, unsigned INPUT_BITS, bool INPUT_SIGNED,
          unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool ALL_ONES, bool PLANES, bool USE_DSP, unsigned ACCUMULATOR_BITS,
          class... WEIGHTS>
void parallel_vector_vector_unit(stream<POSITIONS * CHANNELS * INPUT_BITS> &s_axis,
                                 stream<CHANNELS * ACCUMULATOR_BITS> &m_axis, const WEIGHTS &...weights) {
  constexpr unsigned FIELD = POSITIONS * WEIGHT_BITS;
  static_assert(sizeof...(WEIGHTS) == !ALL_ONES, "weights are one memory unless they are all 1");

  for (unsigned window = 0; window < FRAME; window++) {
#pragma HLS PIPELINE II=1
    const ap_uint<POSITIONS * CHANNELS * INPUT_BITS> inputs = s_axis.read();
    ap_uint<CHANNELS * FIELD> matrix = 0;
    if constexpr (ALL_ONES) {
      // The bits of weight 1: of every lane the lowest, or with PLANES the whole lowest plane.
      for (unsigned k = 0; k < CHANNELS * POSITIONS; k++) {
#pragma HLS UNROLL
        matrix[PLANES ? k / POSITIONS * FIELD + k % POSITIONS : k * WEIGHT_BITS] = 1;
      }
    } else {
      matrix = (weights[0], ...);
    }
    ap_uint<CHANNELS * ACCUMULATOR_BITS> sums = 0;
    for (unsigned channel = 0; channel < CHANNELS; channel++) {
#pragma HLS UNROLL
      ap_uint<POSITIONS * INPUT_BITS> pixels = 0;
      for (unsigned p = 0; p < POSITIONS; p++) {
#pragma HLS UNROLL
        set_element(pixels, p, element<INPUT_BITS>(inputs, p * CHANNELS + channel));
      }
      if (PLANES) pixels = bit_planes<POSITIONS, INPUT_BITS>(pixels);
      set_element(sums, channel,
                  dot_product<POSITIONS, INPUT_BITS, INPUT_SIGNED, WEIGHT_BITS, WEIGHT_SIGNED, false, PLANES, USE_DSP,
                              ACCUMULATOR_BITS>(pixels, element<FIELD>(matrix, channel)));
    }
    m_axis.write(sums);
  }
}

}  // namespace qcompile

#endif
