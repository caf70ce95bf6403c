// matrix_vector_unit: y[o] = initial[o] + sum over k of w[o,k] * x[k], PE rows and SIMD columns a cycle.
//
// Streams     in: SIMD columns a word, FRAME words a frame, COLUMNS/SIMD a vector. Out: PE rows a word, ROWS/PE words a vector
// Interval    (ROWS/PE) * (COLUMNS/SIMD) cycles a vector: the first COLUMNS/SIMD of them take the vector, which is kept and
//             replayed for the other rows
//
// The memories are those of rtl/matrix_vector_unit.sv, in its order.
#ifndef QCOMPILE_MATRIX_VECTOR_UNIT_HPP
#define QCOMPILE_MATRIX_VECTOR_UNIT_HPP

#include "dot_product.hpp"
#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

// The memories behind the weights: initial values where INITIAL_DEPTH > 0, then with TABLE what says of each matrix how long it is
// and where it begins.
template <unsigned INITIAL_DEPTH, unsigned WIDTH, class... MEMORIES>
ap_uint<WIDTH> initial_word([[maybe_unused]] unsigned address, const MEMORIES &...memories) {
#pragma HLS INLINE
  if constexpr (INITIAL_DEPTH == 0) {
    ((void)memories, ...);
    return 0;
  } else {
    return first_of(memories...)[INITIAL_DEPTH > 1 ? address : 0];
  }
}

template <unsigned INITIAL_DEPTH, class FIRST, class... OTHERS>
auto entry_of(unsigned matrix, const FIRST &first, const OTHERS &...others) {
#pragma HLS INLINE
  if constexpr (INITIAL_DEPTH == 0) {
    ((void)others, ...);
    return first[matrix];
  } else {
    (void)first;
    return first_of(others...)[matrix];
  }
}

// The vectors of a frame meet MATRICES matrices: in turn, all of COLUMNS columns, or with TABLE in FRAME_ROWS rows of ROW_VECTORS
// vectors, row y those of segment y mod SEGMENTS in turn, the widest of them of WIDEST columns.
template <unsigned FRAME, unsigned ROWS, unsigned COLUMNS, unsigned PE, unsigned SIMD, unsigned INPUT_BITS,
          bool INPUT_SIGNED, unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool BIPOLAR, bool PLANES, bool USE_DSP,
          unsigned ACCUMULATOR_BITS, unsigned INITIAL_DEPTH, unsigned MATRICES, unsigned DEPTH, bool TABLE, unsigned WIDEST,
          unsigned SEGMENTS, unsigned ROW_VECTORS, unsigned FRAME_ROWS, ram_style RAM_STYLE, class WEIGHTS,
          class... MEMORIES>
void matrix_vector_unit(stream<SIMD * INPUT_BITS> &s_axis, stream<PE * ACCUMULATOR_BITS> &m_axis, const WEIGHTS &weights,
                        const MEMORIES &...memories) {
  constexpr unsigned ROW_FOLDS = ROWS / PE;
  constexpr unsigned COLUMN_FOLDS = WIDEST / SIMD;
  constexpr unsigned COLUMN_BITS = bits_of(COLUMN_FOLDS - 1);
  constexpr unsigned PLACES = TABLE ? MATRICES / SEGMENTS : MATRICES;
  constexpr unsigned VECTORS = TABLE ? FRAME_ROWS * ROW_VECTORS : FRAME / COLUMN_FOLDS;
  constexpr unsigned FIELD = SIMD * WEIGHT_BITS;
  static_assert(ROWS % PE == 0 && COLUMNS % SIMD == 0, "PE must divide ROWS and SIMD must divide COLUMNS");
  static_assert(INITIAL_DEPTH <= 1 || INITIAL_DEPTH == ROW_FOLDS * MATRICES, "INITIAL_DEPTH must be 0, 1 or ROWS / PE a matrix");
  static_assert(TABLE || (WIDEST == COLUMNS && VECTORS * COLUMN_FOLDS == FRAME), "a frame is made of whole vectors");
  static_assert(TABLE || DEPTH == ROW_FOLDS * COLUMN_FOLDS * MATRICES, "DEPTH must be that of all matrices");

  bind_rom<RAM_STYLE>(weights);
  ap_uint<SIMD * INPUT_BITS> vector[COLUMN_FOLDS];
  ap_uint<ACCUMULATOR_BITS> sums[PE];
#pragma HLS ARRAY_PARTITION variable=sums complete

  // The matrix of the present vector, the first one of its row, and the vector's number in the row.
  unsigned matrix = 0, base = 0, place = 0, number = 0;

  for (unsigned v = 0; v < VECTORS; v++) {
    unsigned folds = COLUMN_FOLDS, start = matrix * ROW_FOLDS * COLUMN_FOLDS;
    if constexpr (TABLE) {
      const auto entry = entry_of<INITIAL_DEPTH>(matrix, memories...);
      folds = ap_uint<COLUMN_BITS>(entry).to_uint() + 1;
      start = (entry >> COLUMN_BITS).to_uint();
    }
    for (unsigned row = 0; row < ROW_FOLDS; row++) {
      for (unsigned column = 0; column < folds; column++) {
#pragma HLS LOOP_TRIPCOUNT max=COLUMN_FOLDS
#pragma HLS PIPELINE II=1
        if (row == 0) {
          const ap_uint<SIMD * INPUT_BITS> word = s_axis.read();
          vector[column] = PLANES ? bit_planes<SIMD, INPUT_BITS>(word) : word;
        }
        const ap_uint<SIMD * INPUT_BITS> inputs = vector[column];
        ap_uint<PE * ACCUMULATOR_BITS> starts = 0, results = 0;
        if (column == 0) starts = initial_word<INITIAL_DEPTH, PE * ACCUMULATOR_BITS>(matrix * ROW_FOLDS + row, memories...);
        for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
          const auto dot = dot_product<SIMD, INPUT_BITS, INPUT_SIGNED, WEIGHT_BITS, WEIGHT_SIGNED, BIPOLAR, PLANES,
                                       USE_DSP, ACCUMULATOR_BITS>(
              inputs, weights.template field<FIELD>(start + row * folds + column, lane));
          const auto before = column == 0 ? element<ACCUMULATOR_BITS>(starts, lane) : sums[lane];
          sums[lane] = before + dot;
          if (column == folds - 1) set_element(results, lane, sums[lane]);
        }
        if (column == folds - 1) m_axis.write(results);
      }
    }
    // Whose turn it is next.
    place = place == PLACES - 1 ? 0 : place + 1;
    if (TABLE && ++number == ROW_VECTORS) {
      number = 0;
      place = 0;
      base = base == MATRICES - PLACES ? 0 : base + PLACES;
    }
    matrix = base + place;
  }
}

// One matrix for all vectors.
template <unsigned FRAME, unsigned ROWS, unsigned COLUMNS, unsigned PE, unsigned SIMD, unsigned INPUT_BITS,
          bool INPUT_SIGNED, unsigned WEIGHT_BITS, bool WEIGHT_SIGNED, bool BIPOLAR, bool PLANES, bool USE_DSP,
          unsigned ACCUMULATOR_BITS, unsigned INITIAL_DEPTH, ram_style RAM_STYLE, class WEIGHTS, class... MEMORIES>
void matrix_vector_unit(stream<SIMD * INPUT_BITS> &s_axis, stream<PE * ACCUMULATOR_BITS> &m_axis, const WEIGHTS &weights,
                        const MEMORIES &...memories) {
#pragma HLS INLINE
  matrix_vector_unit<FRAME, ROWS, COLUMNS, PE, SIMD, INPUT_BITS, INPUT_SIGNED, WEIGHT_BITS, WEIGHT_SIGNED, BIPOLAR, PLANES,
                     USE_DSP, ACCUMULATOR_BITS, INITIAL_DEPTH, 1, ROWS / PE * (COLUMNS / SIMD), false, COLUMNS, 1, 1, 1,
                     RAM_STYLE>(s_axis, m_axis, weights, memories...);
}

}  // namespace qcompile

#endif
