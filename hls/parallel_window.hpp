// parallel_window: the windows of an image, each in one word.
//
// Streams     in: an image of HEIGHT * WIDTH pixels of LANES elements, row by row. Out: for each window (row by row) its
//             KERNEL_H * KERNEL_W pixels, row by row from the low bits on; tap (ky, kx) of window (oy, ox) is pixel (oy *
//             STRIDE_H + ky * DILATION_H - PAD_TOP, ox * STRIDE_W + kx * DILATION_W - PAD_LEFT), and PADDING outside
// Interval    HEIGHT * WIDTH cycles a frame, and one for each push without a pixel that brings the last windows into place
//
// Kept pixels (see window_geometry) move through one chain, row after row of taps: SPAN registers of a row, then a delay line to
// the row above. A row of windows runs into the next one, so padding at the right end shows pixels of the next row, which are
// masked.
#ifndef QCOMPILE_PARALLEL_WINDOW_HPP
#define QCOMPILE_PARALLEL_WINDOW_HPP

#include "pad_select.hpp"
#include "stream.hpp"
#include "window_geometry.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned BITS, unsigned LANES, unsigned OUTPUT_BITS, bool IS_SIGNED, int PADDING, unsigned HEIGHT,
          unsigned WIDTH, unsigned KERNEL_H, unsigned KERNEL_W, unsigned STRIDE_H, unsigned STRIDE_W, unsigned DILATION_H,
          unsigned DILATION_W, unsigned PAD_TOP, unsigned PAD_LEFT, unsigned PAD_BOTTOM, unsigned PAD_RIGHT,
          ram_style RAM_STYLE>
void parallel_window(stream<BITS> &s_axis, stream<KERNEL_H * KERNEL_W * LANES * OUTPUT_BITS> &m_axis) {
  typedef window_axis<HEIGHT, KERNEL_H, STRIDE_H, DILATION_H, PAD_TOP, PAD_BOTTOM> rows;
  typedef window_axis<WIDTH, KERNEL_W, STRIDE_W, DILATION_W, PAD_LEFT, PAD_RIGHT> columns;
  static_assert(FRAME == HEIGHT * WIDTH, "a frame is one image");
  static_assert(PAD_LEFT + PAD_RIGHT < unsigned(columns::SPAN), "padding of a row must be less than the span of a window");
  static_assert(KERNEL_H == 1 || rows::DILATION * columns::KEPT >= columns::SPAN, "rows of taps must not overlap");

  // A window is there with the push of its last tap; pushes behind the last kept pixel have none.
  constexpr int KEPT = rows::KEPT * columns::KEPT;
  constexpr int FIRST = (rows::SPAN - 1 - rows::BEFORE) * columns::KEPT + columns::SPAN - 1 - columns::BEFORE;
  constexpr int LAST = FIRST + (rows::OUT - 1) * rows::STEP * columns::KEPT + (columns::OUT - 1) * columns::STEP;
  constexpr int FLUSHES = LAST + 1 > KEPT ? LAST + 1 - KEPT : 0;
  constexpr int DELAY = KERNEL_H > 1 ? rows::DILATION * columns::KEPT - columns::SPAN : 0;
  constexpr int LINES = KERNEL_H > 1 ? KERNEL_H - 1 : 1;

  ap_uint<BITS> taps[KERNEL_H][columns::SPAN];
#pragma HLS ARRAY_PARTITION variable=taps complete dim=0
  ap_uint<BITS> lines[LINES][DELAY > 0 ? DELAY : 1];
#pragma HLS ARRAY_PARTITION variable=lines complete dim=1
#pragma HLS DEPENDENCE variable=lines inter false
  bind_ram<RAM_STYLE>(lines);

  kept_positions<rows> in_row;
  kept_positions<columns> in_column;
  int in_x = 0, push = 0, line_place = 0, oy = 0, ox = 0, row_of_windows = FIRST, window = FIRST;

  for (int step = 0; step < int(FRAME) + FLUSHES; step++) {
#pragma HLS PIPELINE II=1
    ap_uint<BITS> pixel = 0;
    bool pushed = true;
    if (step < int(FRAME)) {
      pixel = s_axis.read();
      pushed = in_row.kept() && in_column.kept();
      in_column.advance();
      if (++in_x == int(WIDTH)) {
        in_x = 0;
        in_column.restart();
        in_row.advance();
      }
    }
    if (pushed) {
      for (int ky = KERNEL_H - 1; ky >= 0; ky--) {
#pragma HLS UNROLL
        const ap_uint<BITS> leaving = taps[ky][0];
        for (int x = 0; x < columns::SPAN - 1; x++) {
#pragma HLS UNROLL
          taps[ky][x] = taps[ky][x + 1];
        }
        taps[ky][columns::SPAN - 1] = pixel;
        pixel = leaving;
        if (DELAY > 0 && ky > 0) {
          pixel = lines[ky - 1][line_place];
          lines[ky - 1][line_place] = leaving;
        }
      }
      line_place = line_place + 1 >= DELAY ? 0 : line_place + 1;
      if (oy < rows::OUT && push == window) {
        ap_uint<KERNEL_H * KERNEL_W * LANES * OUTPUT_BITS> word = 0;
        for (int ky = 0; ky < int(KERNEL_H); ky++) {
#pragma HLS UNROLL
          for (int kx = 0; kx < int(KERNEL_W); kx++) {
#pragma HLS UNROLL
            const int y = oy * rows::STEP - rows::BEFORE + ky * rows::DILATION;
            const int x = ox * columns::STEP - columns::BEFORE + kx * columns::DILATION;
            const bool outside = y < 0 || y >= rows::KEPT || x < 0 || x >= columns::KEPT;
            const ap_uint<LANES * OUTPUT_BITS> tap = pad_select<LANES, BITS / LANES, OUTPUT_BITS, IS_SIGNED, PADDING>(
                outside, taps[ky][kx * columns::DILATION]);
            set_element(word, ky * KERNEL_W + kx, tap);
          }
        }
        m_axis.write(word);
        window += columns::STEP;
        if (++ox == columns::OUT) {
          ox = 0;
          oy++;
          row_of_windows += rows::STEP * columns::KEPT;
          window = row_of_windows;
        }
      }
      push++;
    }
  }
}

}  // namespace qcompile

#endif
