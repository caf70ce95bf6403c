// input_stationary_unit: y[o] = initial[o] + sum over k of w[o,k] * x[k], a word of inputs meeting all rows before the next.
//
// Streams     in: SIMD columns a word, FRAME words a frame, COLUMNS/SIMD a vector. Out: PE rows a word, ROWS/PE words a vector
// Interval    (ROWS/PE) * (COLUMNS/SIMD) cycles a vector: a word is taken every ROWS/PE cycles, and the sums come out in the last
//             ROWS/PE of them
//
// The memories are those of rtl/input_stationary_unit.sv, in its order.
#ifndef QCOMPILE_INPUT_STATIONARY_UNIT_HPP
#define QCOMPILE_INPUT_STATIONARY_UNIT_HPP

#include "dot_product.hpp"
#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned ROWS, unsigned COLUMNS, unsigned PE, unsigned SIMD, unsigned INPUT_BITS,
          bool INPUT_SIGNED, unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool BIPOLAR, bool PLANES, bool USE_DSP,
          unsigned ACCUMULATOR_BITS, unsigned INITIAL_DEPTH, ram_style RAM_STYLE, ram_style SUMS_STYLE, class WEIGHTS,
          class... MEMORIES>
void input_stationary_unit(stream<SIMD * INPUT_BITS> &s_axis, stream<PE * ACCUMULATOR_BITS> &m_axis,
                           const WEIGHTS &weights, const MEMORIES &...memories) {
  constexpr unsigned ROW_FOLDS = ROWS / PE;
  constexpr unsigned COLUMN_FOLDS = COLUMNS / SIMD;
  constexpr unsigned FIELD = SIMD * WEIGHT_BITS;
  static_assert(ROWS % PE == 0 && COLUMNS % SIMD == 0, "PE must divide ROWS and SIMD must divide COLUMNS");
  static_assert(INITIAL_DEPTH <= 1 || INITIAL_DEPTH == ROW_FOLDS, "INITIAL_DEPTH must be 0, 1 or ROWS / PE");
  static_assert(FRAME % COLUMN_FOLDS == 0, "a frame is made of whole vectors");

  bind_rom<RAM_STYLE>(weights);
  ap_uint<PE * ACCUMULATOR_BITS> partial[ROW_FOLDS];
  bind_ram<SUMS_STYLE>(partial);
  ap_uint<SIMD * INPUT_BITS> inputs;

  for (unsigned v = 0; v < FRAME / COLUMN_FOLDS; v++) {
    for (unsigned column = 0; column < COLUMN_FOLDS; column++) {
      for (unsigned row = 0; row < ROW_FOLDS; row++) {
#pragma HLS PIPELINE II=1
        if (row == 0) {
          const ap_uint<SIMD * INPUT_BITS> word = s_axis.read();
          inputs = PLANES ? bit_planes<SIMD, INPUT_BITS>(word) : word;
        }
        ap_uint<PE * ACCUMULATOR_BITS> before = 0;
        if (column > 0) {
          before = partial[row];
        } else if constexpr (INITIAL_DEPTH > 0) {
          before = first_of(memories...)[INITIAL_DEPTH > 1 ? row : 0];
        }
        ap_uint<PE * ACCUMULATOR_BITS> sums = 0;
        for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
          const auto dot = dot_product<SIMD, INPUT_BITS, INPUT_SIGNED, WEIGHT_BITS, WEIGHT_SIGNED, BIPOLAR, PLANES,
                                       USE_DSP, ACCUMULATOR_BITS>(
              inputs, weights.template field<FIELD>(column * ROW_FOLDS + row, lane));
          set_element(sums, lane, ap_uint<ACCUMULATOR_BITS>(element<ACCUMULATOR_BITS>(before, lane) + dot));
        }
        partial[row] = sums;
        if (column == COLUMN_FOLDS - 1) m_axis.write(sums);
      }
    }
  }
}

}  // namespace qcompile

#endif
