// lut_netlist: layers of truth tables behind each other, a vector at a time (LogicNets).
//
// Streams     in: SIMD elements a word, FRAME words a frame, INPUTS/SIMD a vector. Out: a vector a word
// Interval    1 word a cycle
//
// A LAYER is a generated type: its INPUTS elements of INPUT_BITS, OUTPUTS of OUTPUT_BITS, and `evaluate`, which gives y from x bit
// by bit, in which element e has bit b in [e][b]. Synthesis places the registers between the layers.
#ifndef QCOMPILE_LUT_NETLIST_HPP
#define QCOMPILE_LUT_NETLIST_HPP

#include <cstddef>
#include <cstdint>

#include "stream.hpp"

namespace qcompile {

// The number that bits make, the first in the low bit.
template <class... BITS>
unsigned pattern(BITS... bits) {
#pragma HLS INLINE
  unsigned index = 0, place = 0;
  ((index |= static_cast<unsigned>(bits) << place++), ...);
  return index;
}

// The output of a gate: bit p of its table for the pattern p at its inputs.
template <class... BITS>
bool gate(std::uint64_t table, BITS... bits) {
#pragma HLS INLINE
  static_assert(sizeof...(BITS) <= 6, "a word holds tables of six inputs at most");
  return table >> pattern(bits...) & 1;
}

template <std::size_t WORDS, class... BITS>
bool gate(const std::uint64_t (&table)[WORDS], BITS... bits) {
#pragma HLS INLINE
  static_assert(WORDS == std::size_t{1} << (sizeof...(BITS) - 6), "a table has an entry for each pattern");
  const unsigned index = pattern(bits...);
  return table[index >> 6] >> (index & 63) & 1;
}

template <class LAYER, class... OTHERS>
struct lut_layers {
  static constexpr unsigned RESULT_BITS = lut_layers<OTHERS...>::RESULT_BITS;

  static ap_uint<RESULT_BITS> evaluate(const bool (&x)[LAYER::INPUTS][LAYER::INPUT_BITS]) {
#pragma HLS INLINE
    bool y[LAYER::OUTPUTS][LAYER::OUTPUT_BITS];
#pragma HLS ARRAY_PARTITION variable=y complete dim=0
    LAYER::evaluate(x, y);
    return lut_layers<OTHERS...>::evaluate(y);
  }
};

template <class LAYER>
struct lut_layers<LAYER> {
  static constexpr unsigned RESULT_BITS = LAYER::OUTPUTS * LAYER::OUTPUT_BITS;

  static ap_uint<RESULT_BITS> evaluate(const bool (&x)[LAYER::INPUTS][LAYER::INPUT_BITS]) {
#pragma HLS INLINE
    bool y[LAYER::OUTPUTS][LAYER::OUTPUT_BITS];
#pragma HLS ARRAY_PARTITION variable=y complete dim=0
    LAYER::evaluate(x, y);
    ap_uint<RESULT_BITS> word = 0;
    for (unsigned k = 0; k < RESULT_BITS; k++) {
#pragma HLS UNROLL
      word[k] = y[k / LAYER::OUTPUT_BITS][k % LAYER::OUTPUT_BITS];
    }
    return word;
  }
};

template <unsigned FRAME, unsigned SIMD, class LAYER, class... OTHERS>
void lut_netlist(stream<SIMD * LAYER::INPUT_BITS> &s_axis, stream<lut_layers<LAYER, OTHERS...>::RESULT_BITS> &m_axis) {
  constexpr unsigned WORD = SIMD * LAYER::INPUT_BITS, VECTOR = LAYER::INPUTS * LAYER::INPUT_BITS;
  static_assert(VECTOR % WORD == 0 && FRAME % (VECTOR / WORD) == 0, "a frame is made of whole vectors");

  ap_uint<VECTOR> vector = 0;
  unsigned part = 0;
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    const ap_uint<WORD> word = s_axis.read();
    if constexpr (VECTOR > WORD) vector >>= WORD;
    vector.range(VECTOR - 1, VECTOR - WORD) = word;
    if (part == VECTOR / WORD - 1) {
      bool x[LAYER::INPUTS][LAYER::INPUT_BITS];
#pragma HLS ARRAY_PARTITION variable=x complete dim=0
      for (unsigned k = 0; k < VECTOR; k++) {
#pragma HLS UNROLL
        x[k / LAYER::INPUT_BITS][k % LAYER::INPUT_BITS] = vector[k];
      }
      m_axis.write(lut_layers<LAYER, OTHERS...>::evaluate(x));
    }
    part = part == VECTOR / WORD - 1 ? 0 : part + 1;
  }
}

}  // namespace qcompile

#endif
