// reorder: words of a stream in another order and number, by a constant map.
//
// Streams     in: FRAME words of LANES elements of INPUT_BITS bits a frame, in blocks of BLOCK. Out: the words of each block that
//             the program walks over, in its order: some of them several times, others never. Of each lane's bits the low
//             OUTPUT_BITS are kept
// Interval    1 word a cycle on each side: a word is taken when there is room for it, given when it is there
//
// The program is that of rtl/reorder.sv: a word for each move, chosen by nested loops as in rtl/address_walk.sv, and in it from
// the low bits on the move modulo DEPTH, the move itself, and how many words are needed no more.
#ifndef QCOMPILE_REORDER_HPP
#define QCOMPILE_REORDER_HPP

#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

// Nested loops, loop 0 the innermost. The word of a step belongs to the innermost loop that is not at its last position.
template <unsigned BOUND_0, unsigned BOUND_1, unsigned BOUND_2, unsigned BOUND_3, unsigned BOUND_4, unsigned BOUND_5,
          unsigned TABLES, unsigned HOLD>
class address_walk {
 public:
  static constexpr unsigned LOOPS = 6;
  static constexpr unsigned BOUNDS[LOOPS] = {BOUND_0, BOUND_1, BOUND_2, BOUND_3, BOUND_4, BOUND_5};
  static constexpr unsigned STEPS = BOUND_0 * BOUND_1 * BOUND_2 * BOUND_3 * BOUND_4 * BOUND_5;

  // The first word of a loop in the program, and behind them that of the end.
  static constexpr unsigned first_word(unsigned loop) {
    unsigned word = 0;
    for (unsigned k = 0; k < loop; k++) {
      if (BOUNDS[k] > 1) word += (TABLES >> k & 1) ? BOUNDS[k] - 1 : 1;
    }
    return word;
  }

  // Address of the present step's word; HOLD is the loop for whose last round the program is there a second time.
  unsigned address() const {
#pragma HLS INLINE
    constexpr unsigned WORDS = first_word(LOOPS) + 1;
    constexpr unsigned HALF = 1U << (WORDS > 1 ? bits_of(WORDS - 1) : 1);
    unsigned word = WORDS - 1;
    for (unsigned k = LOOPS; k-- > 0;) {
#pragma HLS UNROLL
      if (!last(k)) word = first_word(k) + ((TABLES >> k & 1) ? counts_[k] : 0);
    }
    return HOLD < LOOPS && last(HOLD) ? HALF + word : word;
  }

  void advance() {
#pragma HLS INLINE
    bool carry = true;
    for (unsigned k = 0; k < LOOPS; k++) {
#pragma HLS UNROLL
      const bool turns = last(k);
      if (carry) counts_[k] = turns ? 0 : counts_[k] + 1;
      carry = carry && turns;
    }
  }

 private:
  bool last(unsigned loop) const {
#pragma HLS INLINE
    return counts_[loop] == BOUNDS[loop] - 1;
  }

  unsigned counts_[LOOPS] = {0, 0, 0, 0, 0, 0};
};

template <unsigned FRAME, unsigned LANES, unsigned INPUT_BITS, unsigned OUTPUT_BITS, unsigned BLOCK, unsigned FIRST,
          unsigned RELEASED, unsigned BOUND_0, unsigned BOUND_1, unsigned BOUND_2, unsigned BOUND_3, unsigned BOUND_4,
          unsigned BOUND_5, unsigned TABLES, unsigned HOLD, unsigned DEPTH, ram_style RAM_STYLE, ram_style ROM_STYLE,
          class PROGRAM>
void reorder(stream<LANES * INPUT_BITS> &s_axis, stream<LANES * OUTPUT_BITS> &m_axis, const PROGRAM &program) {
  typedef address_walk<BOUND_0, BOUND_1, BOUND_2, BOUND_3, BOUND_4, BOUND_5, TABLES, HOLD> walk_type;
  constexpr unsigned ADDRESS_BITS = bits_of(DEPTH - 1);
  constexpr unsigned COUNT_BITS = bits_of(2 * BLOCK + DEPTH) + 1;
  constexpr unsigned OUT = FRAME / BLOCK * walk_type::STEPS;
  static_assert(FRAME % BLOCK == 0, "a frame is made of whole blocks");

  bind_rom<ROM_STYLE>(program);
  ap_uint<LANES * OUTPUT_BITS> buffer[DEPTH];
  bind_ram<RAM_STYLE>(buffer);
#pragma HLS DEPENDENCE variable=buffer inter false

  // Words are numbered through the frame; word n lies in place n modulo DEPTH.
  walk_type walk;
  unsigned in = 0, out = 0, write_place = 0, read_place = FIRST % DEPTH;
  int next = FIRST, released = RELEASED;

  while (in < FRAME || out < OUT) {
#pragma HLS PIPELINE II=1
    const bool ready = out < OUT && next < int(in);
    const bool room = out == OUT || int(in) < released + int(DEPTH);
    if (ready) m_axis.write(buffer[read_place]);
    // The output does not wait for a word that it does not need.
    if (in < FRAME && room && (!ready || !s_axis.empty())) {
      const ap_uint<LANES * INPUT_BITS> word = s_axis.read();
      ap_uint<LANES * OUTPUT_BITS> kept = 0;
      for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
        set_element(kept, lane, ap_uint<OUTPUT_BITS>(element<INPUT_BITS>(word, lane)));
      }
      buffer[write_place] = kept;
      write_place = write_place == DEPTH - 1 ? 0 : write_place + 1;
      in++;
    }
    if (ready) {
      const auto move = program[walk.address()];
      const ap_int<COUNT_BITS> distance = ap_uint<COUNT_BITS>(move >> ADDRESS_BITS);
      const ap_uint<COUNT_BITS> freed = move >> (ADDRESS_BITS + COUNT_BITS);
      read_place += ap_uint<ADDRESS_BITS>(move).to_uint();
      if (read_place >= DEPTH) read_place -= DEPTH;
      next += distance.to_int();
      released += freed.to_int();
      walk.advance();
      out++;
    }
  }
}

}  // namespace qcompile

#endif
