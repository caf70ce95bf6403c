// lookup_table: y = table of its channel at x, PE channels a cycle.
//
// Streams     PE lanes a word, FRAME words a frame; word i of a pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 word a cycle
//
// `table` is laid out as in rtl/lookup_table.sv; it is there once for each lane that reads it.
#ifndef QCOMPILE_LOOKUP_TABLE_HPP
#define QCOMPILE_LOOKUP_TABLE_HPP

#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned PE, unsigned FOLDS, unsigned LANES, unsigned INPUT_BITS, unsigned ADDRESS_BITS,
          unsigned OUTPUT_BITS, ram_style RAM_STYLE, class TABLE>
void lookup_table(stream<PE * INPUT_BITS> &s_axis, stream<PE * OUTPUT_BITS> &m_axis, const TABLE &table) {
  static_assert(LANES == 1 || LANES == PE, "LANES must be 1 or PE");
  static_assert(ADDRESS_BITS >= 1 && ADDRESS_BITS <= INPUT_BITS, "ADDRESS_BITS must be 1 to INPUT_BITS");
  static_assert(FRAME % FOLDS == 0, "a frame is made of whole pixels");

  bind_rom<RAM_STYLE>(table);
  for (unsigned pixel = 0; pixel < FRAME / FOLDS; pixel++) {
    for (unsigned fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      const ap_uint<PE * INPUT_BITS> values = s_axis.read();
      ap_uint<PE * OUTPUT_BITS> results = 0;
      for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
        const ap_uint<ADDRESS_BITS> entry = element<INPUT_BITS>(values, lane);
        const auto word = table[(fold << ADDRESS_BITS) + entry.to_uint()];
        set_element(results, lane, element<OUTPUT_BITS>(word, LANES == 1 ? 0 : lane));
      }
      m_axis.write(results);
    }
  }
}

}  // namespace qcompile

#endif
