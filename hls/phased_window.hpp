// phased_window: the windows of an image, each with its own taps and group by group, from a line buffer.
//
// Streams     in: an image, row by row, each pixel of GROUPS * FOLDS words of LANES elements, FRAME words in all. Out: OUT_H rows of
//             OUT_W windows; a window has for each group its pixels, row by row, of each the FOLDS words of the group; PADDING in
//             each element outside of the image
// Interval    1 word a cycle on each side: a word is taken when there is room for it, given when it is there
//
// Words of the image are numbered. `rows` and `columns` are laid out as in rtl/phased_window.sv: for each row of windows, and for
// each window of a row, the taps, those inside, the way to the next one, and how many words are freed.
#ifndef QCOMPILE_PHASED_WINDOW_HPP
#define QCOMPILE_PHASED_WINDOW_HPP

#include "pad_select.hpp"
#include "rom.hpp"
#include "stream.hpp"

namespace qcompile {

// What a table says of a window, along one axis.
template <unsigned TAP_BITS, unsigned COUNT_BITS>
struct phase {
  template <int WIDTH>
  explicit phase(const ap_uint<WIDTH> &word)
      : last(ap_uint<TAP_BITS>(word).to_uint()),
        low(ap_uint<TAP_BITS>(word >> TAP_BITS).to_uint()),
        high(ap_uint<TAP_BITS>(word >> (2 * TAP_BITS)).to_uint()),
        way(ap_int<COUNT_BITS>(ap_uint<COUNT_BITS>(word >> (3 * TAP_BITS))).to_int()),
        freed(ap_uint<COUNT_BITS>(word >> (3 * TAP_BITS + COUNT_BITS)).to_uint()) {
#pragma HLS INLINE
  }

  bool outside(unsigned tap) const { return tap < low || tap > high; }

  unsigned last, low, high;
  int way;
  int freed;
};

template <unsigned FRAME, unsigned BITS, unsigned LANES, unsigned OUTPUT_BITS, bool IS_SIGNED, int PADDING, unsigned FOLDS,
          unsigned GROUPS, unsigned OUT_H, unsigned OUT_W, unsigned TAP_BITS, unsigned COUNT_BITS, int TAP, int ROW,
          unsigned ORIGIN, bool BEGINS, unsigned FIRST_MOVE, unsigned SECOND, unsigned FIRST_FREED, int KEPT, unsigned WORDS,
          ram_style RAM_STYLE, class ROWS, class COLUMNS>
void phased_window(stream<BITS> &s_axis, stream<LANES * OUTPUT_BITS> &m_axis, const ROWS &rows, const COLUMNS &columns) {
  ap_uint<BITS> buffer[WORDS];
  bind_ram<RAM_STYLE>(buffer);
#pragma HLS DEPENDENCE variable=buffer inter false

  unsigned in = 0, write_place = 0;
  int released = 0;

  // The present word's loops, its number, and those at which its tap row, group, window and row of windows began.
  unsigned oy = 0, ox = 0, group = 0, ky = 0, kx = 0, fold = 0;
  int number = ap_int<COUNT_BITS>(ap_uint<COUNT_BITS>(ORIGIN)).to_int();
  int in_row = number, in_group = number, in_window = number, in_line = number;

  while (in < FRAME || oy < OUT_H) {
#pragma HLS PIPELINE II=1
    const phase<TAP_BITS, COUNT_BITS> y(rows[oy < OUT_H ? oy : 0]), x(columns[ox]);
    const bool outside = y.outside(ky) || x.outside(kx);
    const bool ready = oy < OUT_H && (outside || number < int(in));
    const bool room = oy == OUT_H || int(in) < released + int(WORDS);

    if (ready) {
      // In the buffer lie the words before the next one to be written.
      const int place = int(write_place) - (int(in) - number);
      const ap_uint<BITS> word = buffer[outside ? 0 : place < 0 ? place + int(WORDS) : place];
      m_axis.write(pad_select<LANES, BITS / LANES, OUTPUT_BITS, IS_SIGNED, PADDING>(outside, word));
    }
    // The output does not wait for a word that it does not need.
    if (in < FRAME && room && (!ready || !s_axis.empty())) {
      buffer[write_place] = s_axis.read();
      write_place = write_place == WORDS - 1 ? 0 : write_place + 1;
      in++;
    }
    if (ready) {
      const bool tap_ends = fold == FOLDS - 1;
      const bool column_ends = tap_ends && kx == x.last;
      const bool row_ends = column_ends && ky == y.last;
      const bool group_ends = row_ends && group == GROUPS - 1;
      const bool window_ends = group_ends && ox == OUT_W - 1;
      if (group_ends && y.freed != 0) released += window_ends ? y.freed - KEPT : x.freed;

      if (!tap_ends) number += 1;
      else if (!column_ends) number += TAP - int(FOLDS - 1);
      else if (!row_ends) number = in_row + ROW;
      else if (!group_ends) number = in_group + int(FOLDS);
      else if (!window_ends) number = in_window + x.way;
      else number = in_line + y.way;

      fold = tap_ends ? 0 : fold + 1;
      if (tap_ends) kx = column_ends ? 0 : kx + 1;
      if (column_ends) {
        ky = row_ends ? 0 : ky + 1;
        in_row = number;
      }
      if (row_ends) {
        group = group_ends ? 0 : group + 1;
        in_group = number;
      }
      if (group_ends) {
        ox = window_ends ? 0 : ox + 1;
        in_window = number;
      }
      if (window_ends) {
        oy++;
        in_line = number;
      }
    }
  }
}

}  // namespace qcompile

#endif
