// requantise: y = clamp((multiplier * x + addend) >> SHIFT, LOW, HIGH) with constants of its channel, PE channels a cycle.
//
// Streams     PE lanes a word, FRAME words a frame; word i of a pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 word a cycle
//
// HALF_EVEN   the addend holds half a unit, and what was just half a unit off becomes the even one of its neighbours
//
// `constants` is laid out as in rtl/requantise.sv: a field a lane, the multiplier in its low bits, the addend above.
#ifndef QCOMPILE_REQUANTISE_HPP
#define QCOMPILE_REQUANTISE_HPP

#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned PE, unsigned FOLDS, unsigned INPUT_BITS, bool INPUT_SIGNED, unsigned MULTIPLIER_BITS,
          unsigned ADDEND_BITS, unsigned SUM_BITS, unsigned SHIFT, bool HALF_EVEN, long LOW, long HIGH,
          unsigned OUTPUT_BITS, ram_style RAM_STYLE, bool USE_DSP, class CONSTANTS>
void requantise(stream<PE * INPUT_BITS> &s_axis, stream<PE * OUTPUT_BITS> &m_axis, const CONSTANTS &constants) {
  constexpr unsigned FIELD = MULTIPLIER_BITS + ADDEND_BITS;
  static_assert(SHIFT < SUM_BITS && LOW <= HIGH && (!HALF_EVEN || SHIFT > 0),
                "SHIFT must be less than SUM_BITS, at least 1 for HALF_EVEN, and LOW at most HIGH");
  static_assert(FRAME % FOLDS == 0, "a frame is made of whole pixels");

  bind_rom<RAM_STYLE>(constants);
  for (unsigned pixel = 0; pixel < FRAME / FOLDS; pixel++) {
    for (unsigned fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      const ap_uint<PE * INPUT_BITS> values = s_axis.read();
      const ap_uint<PE * FIELD> fields = constants[fold];
      ap_uint<PE * OUTPUT_BITS> results = 0;
      for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
        const auto x = element<INPUT_BITS, INPUT_SIGNED>(values, lane);
        const ap_uint<FIELD> field = element<FIELD>(fields, lane);
        const ap_int<MULTIPLIER_BITS> multiplier = ap_uint<MULTIPLIER_BITS>(field);
        const ap_int<ADDEND_BITS> addend = ap_uint<ADDEND_BITS>(field >> MULTIPLIER_BITS);
        const ap_int<SUM_BITS> sum = multiply<USE_DSP>(x, multiplier) + addend;
        ap_int<SUM_BITS> rounded = sum >> SHIFT;
        if constexpr (HALF_EVEN) {
          const ap_uint<SHIFT> fraction = sum;
          if (fraction == 0) rounded[0] = 0;
        }
        if (rounded < LOW) rounded = LOW;
        if (rounded > HIGH) rounded = HIGH;
        set_element(results, lane, ap_uint<OUTPUT_BITS>(rounded));
      }
      m_axis.write(results);
    }
  }
}

}  // namespace qcompile

#endif
