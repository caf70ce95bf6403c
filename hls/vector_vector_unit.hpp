// vector_vector_unit: y[c] = sum over p of w[p,c] * x[p,c] for the POSITIONS pixels p of a window, PE channels a cycle.
//
// Streams     in: POSITIONS pixels of FOLDS words of PE elements a window, FRAME words a frame. Out: FOLDS words a window
// Interval    1 word a cycle in
//
// `weights` is laid out as in rtl/vector_vector_unit.sv; with ALL_ONES there are none, and the unit adds up.
#ifndef QCOMPILE_VECTOR_VECTOR_UNIT_HPP
#define QCOMPILE_VECTOR_VECTOR_UNIT_HPP

#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned PE, unsigned FOLDS, unsigned POSITIONS, unsigned INPUT_BITS, bool INPUT_SIGNED,
          unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool ALL_ONES, unsigned ACCUMULATOR_BITS, bool USE_DSP,
          ram_style RAM_STYLE, class... WEIGHTS>
void vector_vector_unit(stream<PE * INPUT_BITS> &s_axis, stream<PE * ACCUMULATOR_BITS> &m_axis, const WEIGHTS &...weights) {
  static_assert(FRAME % (POSITIONS * FOLDS) == 0, "a frame is made of whole windows");
  static_assert(sizeof...(WEIGHTS) == !ALL_ONES, "weights are one memory unless they are all 1");

  (bind_rom<RAM_STYLE>(weights), ...);
  ap_uint<PE * ACCUMULATOR_BITS> partial[FOLDS];
#pragma HLS DEPENDENCE variable=partial inter distance=FOLDS true

  for (unsigned window = 0; window < FRAME / (POSITIONS * FOLDS); window++) {
    for (unsigned position = 0; position < POSITIONS; position++) {
      for (unsigned fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
        const ap_uint<PE * INPUT_BITS> inputs = s_axis.read();
        const ap_uint<PE * ACCUMULATOR_BITS> before = position == 0 ? ap_uint<PE * ACCUMULATOR_BITS>(0) : partial[fold];
        ap_uint<PE * WEIGHT_BITS> factors = 0;
        if constexpr (!ALL_ONES) {
          factors = (weights[position * FOLDS + fold], ...);
        }
        ap_uint<PE * ACCUMULATOR_BITS> sums = 0;
        for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
          const auto x = element<INPUT_BITS, INPUT_SIGNED>(inputs, lane);
          ap_uint<ACCUMULATOR_BITS> term = x;
          if constexpr (!ALL_ONES) {
            term = multiply<USE_DSP>(x, element<WEIGHT_BITS, WEIGHT_SIGNED>(factors, lane));
          }
          const ap_uint<ACCUMULATOR_BITS> sum = element<ACCUMULATOR_BITS>(before, lane) + term;
          set_element(sums, lane, sum);
        }
        partial[fold] = sums;
        if (position == POSITIONS - 1) m_axis.write(sums);
      }
    }
  }
}

}  // namespace qcompile

#endif
