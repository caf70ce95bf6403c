// matrix_vector_unit: y[o] = initial[o] + sum over k of w[o,k] * x[k], PE rows and SIMD columns a cycle.
//
// Streams     in: SIMD columns a word, FRAME words a frame, COLUMNS/SIMD a vector. Out: PE rows a word, ROWS/PE words a vector
// Interval    (ROWS/PE) * (COLUMNS/SIMD) cycles a vector: the first COLUMNS/SIMD of them take the vector, which is kept and
//             replayed for the other rows
//
// `weights` and `initials` are laid out as in rtl/matrix_vector_unit.sv; `initials` may be left out where INITIAL_DEPTH is 0.
#ifndef QCOMPILE_MATRIX_VECTOR_UNIT_HPP
#define QCOMPILE_MATRIX_VECTOR_UNIT_HPP

#include "dot_product.hpp"
#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned ROWS, unsigned COLUMNS, unsigned PE, unsigned SIMD, unsigned INPUT_BITS,
          bool INPUT_SIGNED, unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool BIPOLAR, bool PLANES, bool USE_DSP,
          unsigned ACCUMULATOR_BITS, unsigned INITIAL_DEPTH, ram_style RAM_STYLE, class WEIGHTS, class... INITIALS>
void matrix_vector_unit(stream<SIMD * INPUT_BITS> &s_axis, stream<PE * ACCUMULATOR_BITS> &m_axis, const WEIGHTS &weights,
                        const INITIALS &...initials) {
  constexpr unsigned ROW_FOLDS = ROWS / PE;
  constexpr unsigned COLUMN_FOLDS = COLUMNS / SIMD;
  constexpr unsigned VECTORS = FRAME / COLUMN_FOLDS;
  constexpr unsigned FIELD = SIMD * WEIGHT_BITS;
  static_assert(ROWS % PE == 0 && COLUMNS % SIMD == 0, "PE must divide ROWS and SIMD must divide COLUMNS");
  static_assert(INITIAL_DEPTH <= 1 || INITIAL_DEPTH == ROW_FOLDS, "INITIAL_DEPTH must be 0, 1 or ROWS / PE");
  static_assert(sizeof...(INITIALS) == (INITIAL_DEPTH > 0), "initial values are one memory where there are any");
  static_assert(VECTORS * COLUMN_FOLDS == FRAME, "a frame is made of whole vectors");

  bind_rom<RAM_STYLE>(weights);
  ap_uint<SIMD * INPUT_BITS> vector[COLUMN_FOLDS];
  ap_uint<ACCUMULATOR_BITS> sums[PE];
#pragma HLS ARRAY_PARTITION variable=sums complete

  for (unsigned v = 0; v < VECTORS; v++) {
    for (unsigned row = 0; row < ROW_FOLDS; row++) {
      for (unsigned column = 0; column < COLUMN_FOLDS; column++) {
#pragma HLS PIPELINE II=1
        if (row == 0) {
          const ap_uint<SIMD * INPUT_BITS> word = s_axis.read();
          vector[column] = PLANES ? bit_planes<SIMD, INPUT_BITS>(word) : word;
        }
        const ap_uint<SIMD * INPUT_BITS> inputs = vector[column];
        const ap_uint<PE * FIELD> matrix = weights[row * COLUMN_FOLDS + column];
        ap_uint<PE * ACCUMULATOR_BITS> starts = 0, results = 0;
        if constexpr (INITIAL_DEPTH > 0) {
          starts = (initials[INITIAL_DEPTH > 1 ? row : 0], ...);
        }
        for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
          const auto dot = dot_product<SIMD, INPUT_BITS, INPUT_SIGNED, WEIGHT_BITS, WEIGHT_SIGNED, BIPOLAR, PLANES,
                                       USE_DSP, ACCUMULATOR_BITS>(inputs, element<FIELD>(matrix, lane));
          const auto before = column == 0 ? element<ACCUMULATOR_BITS>(starts, lane) : sums[lane];
          sums[lane] = before + dot;
          set_element(results, lane, sums[lane]);
        }
        if (column == COLUMN_FOLDS - 1) {
          m_axis.write(results);
        }
      }
    }
  }
}

}  // namespace qcompile

#endif
