// sliding_window: the windows of an image, one after another, from a line buffer.
//
// Streams     in: an image of HEIGHT * WIDTH pixels, row by row, each of FOLDS words of LANES elements. Out: for each window (row
//             by row) its KERNEL_H * KERNEL_W pixels, row by row; tap (ky, kx) of window (oy, ox) is pixel (oy * STRIDE_H +
//             ky * DILATION_H - PAD_TOP, ox * STRIDE_W + kx * DILATION_W - PAD_LEFT), and PADDING in each element outside
// Interval    1 word a cycle on each side: a word is taken when there is room for it, given when it is there
//
// Kept pixels (see window_geometry) are numbered; the buffer is circular. A word is overwritten when neither the present window
// nor one behind it needs it: a whole window always fits, in DEPTH pixels or a few more.
#ifndef QCOMPILE_SLIDING_WINDOW_HPP
#define QCOMPILE_SLIDING_WINDOW_HPP

#include "pad_select.hpp"
#include "stream.hpp"
#include "window_geometry.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned BITS, unsigned LANES, unsigned OUTPUT_BITS, bool IS_SIGNED, int PADDING, unsigned FOLDS,
          unsigned HEIGHT, unsigned WIDTH, unsigned KERNEL_H, unsigned KERNEL_W, unsigned STRIDE_H, unsigned STRIDE_W,
          unsigned DILATION_H, unsigned DILATION_W, unsigned PAD_TOP, unsigned PAD_LEFT, unsigned PAD_BOTTOM,
          unsigned PAD_RIGHT, unsigned DEPTH, ram_style RAM_STYLE>
void sliding_window(stream<BITS> &s_axis, stream<LANES * OUTPUT_BITS> &m_axis) {
  typedef window_axis<HEIGHT, KERNEL_H, STRIDE_H, DILATION_H, PAD_TOP, PAD_BOTTOM> rows;
  typedef window_axis<WIDTH, KERNEL_W, STRIDE_W, DILATION_W, PAD_LEFT, PAD_RIGHT> columns;
  static_assert(FRAME == HEIGHT * WIDTH * FOLDS, "a frame is one image");

  // Distances between words of the buffer.
  constexpr int TAP = columns::DILATION * FOLDS;
  constexpr int ROW = rows::DILATION * columns::KEPT * FOLDS;
  constexpr int WINDOW = columns::STEP * FOLDS;
  constexpr int LINE = rows::STEP * columns::KEPT * FOLDS;
  constexpr int ORIGIN = -(rows::BEFORE * columns::KEPT + columns::BEFORE) * int(FOLDS);
  constexpr int WHOLE = ((rows::SPAN - 1) * columns::KEPT + columns::SPAN) * FOLDS;
  constexpr int WORDS = WHOLE > int(DEPTH * FOLDS) ? WHOLE : int(DEPTH * FOLDS);
  constexpr int IN = HEIGHT * WIDTH * FOLDS;
  constexpr int OUT = rows::OUT * columns::OUT * KERNEL_H * KERNEL_W * FOLDS;

  ap_uint<BITS> buffer[WORDS];
  bind_ram<RAM_STYLE>(buffer);
#pragma HLS DEPENDENCE variable=buffer inter false

  // What comes in: its place in the image, and how many words are kept already.
  kept_positions<rows> in_row;
  kept_positions<columns> in_column;
  int in = 0, in_x = 0, in_fold = 0, written = 0, write_place = 0;

  // What goes out: window, tap and fold; numbers and places of the first words of the row of windows and of the window.
  int out = 0, oy = 0, ox = 0, ky = 0, kx = 0, fold = 0;
  int line = ORIGIN, line_place = (ORIGIN % WORDS + WORDS) % WORDS;
  int window = line, window_place = line_place, tap = 0;

  while (in < IN || out < OUT) {
#pragma HLS PIPELINE II=1
    const int y = oy * rows::STEP - rows::BEFORE + ky * rows::DILATION;
    const int x = ox * columns::STEP - columns::BEFORE + kx * columns::DILATION;
    const bool outside = y < 0 || y >= rows::KEPT || x < 0 || x >= columns::KEPT;
    const bool ready = out < OUT && (outside || window + tap + fold < written);

    // Words before these are needed no more: the least of this window, and of the first one of the next row of windows.
    const int first_y = oy * rows::STEP - rows::BEFORE, next_y = first_y + rows::STEP;
    const int first_x = ox * columns::STEP - columns::BEFORE;
    const int here = ((first_y > 0 ? first_y : 0) * columns::KEPT + (first_x > 0 ? first_x : 0)) * int(FOLDS);
    const int below = (next_y > 0 ? next_y : 0) * columns::KEPT * int(FOLDS);
    const int released = out == OUT ? written : oy < rows::OUT - 1 && below < here ? below : here;

    if (ready) {
      const int place = window_place + tap + fold;
      const ap_uint<BITS> word = buffer[outside ? 0 : place < WORDS ? place : place - WORDS];
      m_axis.write(pad_select<LANES, BITS / LANES, OUTPUT_BITS, IS_SIGNED, PADDING>(outside, word));
    }

    // The output does not wait for a word that it does not need.
    const bool kept = in_row.kept() && in_column.kept();
    const bool room = !kept || written < released + WORDS;
    if (in < IN && room && (!ready || !s_axis.empty())) {
      const ap_uint<BITS> word = s_axis.read();
      if (kept) {
        buffer[write_place] = word;
        write_place = write_place == WORDS - 1 ? 0 : write_place + 1;
        written++;
      }
      in++;
      if (++in_fold == int(FOLDS)) {
        in_fold = 0;
        in_column.advance();
        if (++in_x == int(WIDTH)) {
          in_x = 0;
          in_column.restart();
          in_row.advance();
        }
      }
    }

    if (ready) {
      out++;
      if (++fold == int(FOLDS)) {
        fold = 0;
        tap += TAP;
        if (++kx == int(KERNEL_W)) {
          kx = 0;
          tap += ROW - int(KERNEL_W) * TAP;
          if (++ky == int(KERNEL_H)) {
            ky = 0;
            tap = 0;
            window += WINDOW;
            window_place += WINDOW < WORDS ? WINDOW : 0;
            if (++ox == columns::OUT) {
              ox = 0;
              oy++;
              line += LINE;
              line_place += LINE % WORDS;
              if (line_place >= WORDS) line_place -= WORDS;
              window = line;
              window_place = line_place;
            }
            if (window_place >= WORDS) window_place -= WORDS;
          }
        }
      }
    }
  }
}

}  // namespace qcompile

#endif
