// rom: a memory of constants, DEPTH words of WIDTH bits, as it stands in a generated header.
//
// A word is kept in PIECES pieces of PIECE_BITS bits, the low bits first, so that the initialiser is made of plain numbers: a
// C++ compiler takes millions of them in no time. For synthesis the pieces have just the width they need.
#ifndef QCOMPILE_ROM_HPP
#define QCOMPILE_ROM_HPP

#include <cstdint>

#include "stream.hpp"

namespace qcompile {

template <unsigned WIDTH, unsigned DEPTH>
struct rom {
  static constexpr unsigned PIECES = (WIDTH + 63) / 64;
  static constexpr unsigned PIECE_BITS = (WIDTH + PIECES - 1) / PIECES;

#ifdef __SYNTHESIS__
  typedef ap_uint<PIECE_BITS> piece;
#else
  typedef std::uint64_t piece;
#endif

  piece pieces[DEPTH][PIECES];

  // Element number `index`, of BITS bits, of the word at `address`.
  template <unsigned BITS>
  ap_uint<BITS> field(unsigned address, unsigned index) const {
#pragma HLS INLINE
    const unsigned low = BITS * index;
    ap_uint<BITS> bits = 0;
    for (unsigned k = low / PIECE_BITS; k * PIECE_BITS < low + BITS; k++) {
#pragma HLS UNROLL
      const ap_uint<PIECE_BITS> part = pieces[address][k];
      if (k * PIECE_BITS < low) {
        bits |= ap_uint<BITS>(part >> (low - k * PIECE_BITS));
      } else {
        bits |= ap_uint<BITS>(part) << (k * PIECE_BITS - low);
      }
    }
    return bits;
  }

  ap_uint<WIDTH> operator[](unsigned address) const {
#pragma HLS INLINE
    if constexpr (PIECES == 1) {
      return pieces[address][0];
    } else {
      ap_uint<PIECES * PIECE_BITS> word = 0;
      for (unsigned k = 0; k < PIECES; k++) {
#pragma HLS UNROLL
        word.range(PIECE_BITS * k + PIECE_BITS - 1, PIECE_BITS * k) = pieces[address][k];
      }
      return word;
    }
  }
};

// The first and the last of several memories.
template <class FIRST, class... OTHERS>
const FIRST &first_of(const FIRST &first, const OTHERS &...) {
#pragma HLS INLINE
  return first;
}

template <class LAST>
const LAST &last_of(const LAST &last) {
#pragma HLS INLINE
  return last;
}

template <class FIRST, class... OTHERS>
const auto &last_of(const FIRST &, const OTHERS &...others) {
#pragma HLS INLINE
  return last_of(others...);
}

// Makes a memory of constants of RAM_STYLE; all pieces of a word are read at once.
template <ram_style RAM_STYLE, unsigned WIDTH, unsigned DEPTH>
void bind_rom(const rom<WIDTH, DEPTH> &memory) {
#pragma HLS INLINE
#pragma HLS ARRAY_PARTITION variable=memory.pieces complete dim=2
  if constexpr (RAM_STYLE == ram_style::distributed) {
#pragma HLS BIND_STORAGE variable=memory.pieces type=rom_1p impl=lutram
  } else if constexpr (RAM_STYLE == ram_style::block) {
#pragma HLS BIND_STORAGE variable=memory.pieces type=rom_1p impl=bram
  } else if constexpr (RAM_STYLE == ram_style::ultra) {
#pragma HLS BIND_STORAGE variable=memory.pieces type=rom_1p impl=uram
  }
  (void)memory;
}

}  // namespace qcompile

#endif
