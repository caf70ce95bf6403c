// stream: what every kernel is made of: streams of packed elements, and memories of a chosen kind.
//
// A stream carries words of elements side by side, element 0 in the low bits, as in the RTL library. A kernel is a function that
// takes one frame from its inputs, gives one frame to its outputs and returns; inside a DATAFLOW region all of them run at once.
#ifndef QCOMPILE_STREAM_HPP
#define QCOMPILE_STREAM_HPP

#include <ap_int.h>
#include <hls_stream.h>

#include <type_traits>

namespace qcompile {

template <unsigned BITS>
using stream = hls::stream<ap_uint<BITS>>;

// An integer of BITS bits, in two's complement if signed.
template <unsigned BITS, bool IS_SIGNED>
using integer = std::conditional_t<IS_SIGNED, ap_int<BITS>, ap_uint<BITS>>;

// Element number `index` of a word of elements of BITS bits.
template <unsigned BITS, bool IS_SIGNED = false, int WIDTH>
inline integer<BITS, IS_SIGNED> element(const ap_uint<WIDTH> &word, unsigned index) {
#pragma HLS INLINE
  const ap_uint<BITS> bits = word.range(BITS * index + BITS - 1, BITS * index);
  return bits;
}

// Puts an element into a word.
template <int BITS, int WIDTH>
inline void set_element(ap_uint<WIDTH> &word, unsigned index, const ap_uint<BITS> &value) {
#pragma HLS INLINE
  word.range(BITS * index + BITS - 1, BITS * index) = value;
}

// Bits of a number that counts to `limit`.
constexpr unsigned bits_of(unsigned limit) { return limit < 2 ? 1 : 1 + bits_of(limit / 2); }

// What a memory is made of, as the user's `ram_style` has it; `srl`: shift registers.
enum class ram_style { automatic, distributed, block, ultra, srl };

// Makes a memory that one side writes and the other reads of RAM_STYLE.
template <ram_style RAM_STYLE, class MEMORY>
void bind_ram(MEMORY &memory) {
#pragma HLS INLINE
  if constexpr (RAM_STYLE == ram_style::distributed) {
#pragma HLS BIND_STORAGE variable=memory type=ram_s2p impl=lutram
  } else if constexpr (RAM_STYLE == ram_style::block) {
#pragma HLS BIND_STORAGE variable=memory type=ram_s2p impl=bram
  } else if constexpr (RAM_STYLE == ram_style::ultra) {
#pragma HLS BIND_STORAGE variable=memory type=ram_s2p impl=uram
  }
  (void)memory;
}

// A product, of a DSP block or of LUTs.
template <bool USE_DSP, class LEFT, class RIGHT>
inline auto multiply(const LEFT &left, const RIGHT &right) {
#pragma HLS INLINE
  const auto product = left * right;
  if constexpr (USE_DSP) {
#pragma HLS BIND_OP variable=product op=mul impl=dsp
  } else {
#pragma HLS BIND_OP variable=product op=mul impl=fabric
  }
  return product;
}

}  // namespace qcompile

#endif
