// thresholding: y = BASE + the number of thresholds of its channel that x reaches, PE channels a cycle.
//
// Streams     PE lanes a word, FRAME words a frame; word i of a pixel holds the channels i*PE, i*PE + 1, ...
// Interval    1 word a cycle
//
// The memories are those of rtl/thresholding.sv, in its order: all thresholds of a fold in a word, or for SEARCH one memory for
// each level of the tree; where DESCENDING, the flags of the channels come last.
#ifndef QCOMPILE_THRESHOLDING_HPP
#define QCOMPILE_THRESHOLDING_HPP

#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

// A walk down the levels, each of which finds one bit of the count, the highest first. LEVELS are left.
template <unsigned LEVELS, bool STRICT, unsigned THRESHOLD_BITS, class CODE, class LEVEL, class... OTHERS>
unsigned search(const CODE &code, unsigned fold, unsigned lane, unsigned depth, unsigned found, const LEVEL &level,
                const OTHERS &...others) {
#pragma HLS INLINE
  const auto threshold = element<THRESHOLD_BITS>(level[(fold << depth) + found], lane);
  const bool reached = STRICT ? code > threshold : code >= threshold;
  const unsigned now = found << 1 | (reached ? 1 : 0);
  if constexpr (LEVELS == 1) {
    return now;
  } else {
    return search<LEVELS - 1, STRICT, THRESHOLD_BITS>(code, fold, lane, depth + 1, now, others...);
  }
}

template <unsigned COUNT, bool STRICT, unsigned THRESHOLD_BITS, class CODE, int WIDTH>
unsigned count_reached(const CODE &code, unsigned lane, const ap_uint<WIDTH> &thresholds) {
#pragma HLS INLINE
  unsigned count = 0;
  for (unsigned k = 0; k < COUNT; k++) {
#pragma HLS UNROLL
    const auto threshold = element<THRESHOLD_BITS>(thresholds, lane * COUNT + k);
    count += (STRICT ? code > threshold : code >= threshold) ? 1 : 0;
  }
  return count;
}

template <unsigned FRAME, unsigned PE, unsigned FOLDS, unsigned COUNT, unsigned INPUT_BITS, bool INPUT_SIGNED,
          unsigned THRESHOLD_BITS, bool STRICT, unsigned OUTPUT_BITS, int BASE, bool SEARCH, bool DESCENDING,
          ram_style RAM_STYLE, class MEMORY, class... MEMORIES>
void thresholding(stream<PE * INPUT_BITS> &s_axis, stream<PE * OUTPUT_BITS> &m_axis, const MEMORY &memory,
                  const MEMORIES &...memories) {
  constexpr unsigned LEVELS = bits_of(COUNT);
  static_assert(!SEARCH || COUNT == (1U << LEVELS) - 1, "a binary search needs 2**n - 1 thresholds");
  static_assert(FRAME % FOLDS == 0, "a frame is made of whole pixels");

  bind_rom<RAM_STYLE>(memory);
  (bind_rom<RAM_STYLE>(memories), ...);

  for (unsigned pixel = 0; pixel < FRAME / FOLDS; pixel++) {
    for (unsigned fold = 0; fold < FOLDS; fold++) {
#pragma HLS PIPELINE II=1
      const ap_uint<PE * INPUT_BITS> values = s_axis.read();
      ap_uint<PE> descending = 0;
      ap_uint<PE * OUTPUT_BITS> results = 0;
      if constexpr (DESCENDING) {
        descending = last_of(memories...)[fold];
      }
      for (unsigned lane = 0; lane < PE; lane++) {
#pragma HLS UNROLL
        // Offset binary, turned round where the channel descends.
        ap_uint<INPUT_BITS> code = element<INPUT_BITS>(values, lane);
        if (descending[lane]) code = ~code;
        if (INPUT_SIGNED) code[INPUT_BITS - 1] = !code[INPUT_BITS - 1];
        unsigned count;
        if constexpr (SEARCH) {
          count = search<LEVELS, STRICT, THRESHOLD_BITS>(code, fold, lane, 0, 0, memory, memories...);
        } else {
          count = count_reached<COUNT, STRICT, THRESHOLD_BITS>(code, lane, memory[fold]);
        }
        set_element(results, lane, ap_uint<OUTPUT_BITS>(ap_int<34>(count) + BASE));
      }
      m_axis.write(results);
    }
  }
}

}  // namespace qcompile

#endif
