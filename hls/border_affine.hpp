// border_affine: y = factor * x + constant for each element of an image, both of them those of the class of its pixel.
//
// Streams     ROWS * COLUMNS pixels of FOLDS words of PE elements a frame; word i of a pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 word a cycle
//
// The class of a pixel is the sum of what `rows` and `columns` hold for its row and column. `constants` is laid out as in
// rtl/border_affine.sv; behind it come the factors of the classes, unless FACTOR_DEPTH is 1: then all have FACTOR.
#ifndef QCOMPILE_BORDER_AFFINE_HPP
#define QCOMPILE_BORDER_AFFINE_HPP

#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned PE, unsigned FOLDS, unsigned ROWS, unsigned COLUMNS, unsigned INPUT_BITS,
          bool INPUT_SIGNED, unsigned CLASSES, unsigned FACTOR_BITS, unsigned FACTOR_DEPTH, unsigned FACTOR,
          unsigned CONSTANT_BITS, unsigned CONSTANT_DEPTH, unsigned OUTPUT_BITS, ram_style RAM_STYLE, class ROW_CLASSES,
          class COLUMN_CLASSES, class CONSTANTS, class... FACTORS>
void border_affine(stream<PE * INPUT_BITS> &s_axis, stream<PE * OUTPUT_BITS> &m_axis, const ROW_CLASSES &rows,
                   const COLUMN_CLASSES &columns, const CONSTANTS &constants, const FACTORS &...factors) {
  static_assert(FRAME == ROWS * COLUMNS * FOLDS, "a frame is one image");
  static_assert(sizeof...(FACTORS) == (FACTOR_DEPTH > 1), "factors are one memory unless all are the same");
  static_assert(CONSTANT_DEPTH == 1 || CONSTANT_DEPTH == CLASSES * FOLDS, "constants of all classes, or one word");

  bind_rom<RAM_STYLE>(constants);
  for (unsigned y = 0; y < ROWS; y++) {
    for (unsigned x = 0; x < COLUMNS; x++) {
      for (unsigned fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
        const unsigned pixel_class = rows[y].to_uint() + columns[x].to_uint();
        const ap_uint<PE * INPUT_BITS> inputs = s_axis.read();
        const ap_uint<PE * CONSTANT_BITS> added = constants[CONSTANT_DEPTH > 1 ? pixel_class * FOLDS + fold : 0];
        ap_uint<FACTOR_BITS> factor = FACTOR;
        if constexpr (FACTOR_DEPTH > 1) factor = (factors[pixel_class], ...);
        ap_uint<PE * OUTPUT_BITS> results = 0;
        for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
          const ap_uint<OUTPUT_BITS> result =
              element<INPUT_BITS, INPUT_SIGNED>(inputs, lane) * factor + element<CONSTANT_BITS, true>(added, lane);
          set_element(results, lane, result);
        }
        m_axis.write(results);
      }
    }
  }
}

}  // namespace qcompile

#endif
