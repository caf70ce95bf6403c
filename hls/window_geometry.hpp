// window_geometry: which pixels the windows over an image read, along one of its axes.
//
// SPAN     pixels from the first tap of a window to its last          OUT    windows
// USED     pixels from the first to the last that lies under a window
// STEP     from window to window in kept pixels                       KEPT   pixels under some window
//
// With windows farther apart than they are wide, pixels between them are dropped: only kept pixels have numbers.
#ifndef QCOMPILE_WINDOW_GEOMETRY_HPP
#define QCOMPILE_WINDOW_GEOMETRY_HPP

namespace qcompile {

template <unsigned SIZE, unsigned KERNEL, unsigned STRIDE_, unsigned DILATION_, unsigned BEFORE_, unsigned AFTER>
struct window_axis {
  static constexpr int STRIDE = STRIDE_, DILATION = DILATION_, BEFORE = BEFORE_;
  static constexpr int SPAN = (KERNEL - 1) * DILATION + 1;
  static_assert(SIZE + BEFORE + AFTER >= SPAN, "a window must fit into the padded image");
  static_assert(BEFORE < SPAN && AFTER < SPAN, "padding must be less than the span of a window");
  static constexpr int OUT = (int(SIZE) + BEFORE + int(AFTER) - SPAN) / STRIDE + 1;
  static constexpr int LAST = (OUT - 1) * STRIDE + SPAN - BEFORE;
  static constexpr int USED = LAST < int(SIZE) ? LAST : int(SIZE);
  static constexpr int STEP = STRIDE < SPAN ? STRIDE : SPAN;
  static constexpr int TURN = (BEFORE + USED) % STRIDE;
  static constexpr int KEPT = (BEFORE + USED) / STRIDE * STEP + (TURN < STEP ? TURN : STEP) - BEFORE;
};

// Walks over the positions of an axis and says which are kept.
template <class AXIS>
class kept_positions {
 public:
  bool kept() const {
#pragma HLS INLINE
    return position_ < AXIS::USED && phase_ < AXIS::STEP;
  }

  void advance() {
#pragma HLS INLINE
    position_++;
    phase_ = phase_ == AXIS::STRIDE - 1 ? 0 : phase_ + 1;
  }

  void restart() {
#pragma HLS INLINE
    position_ = 0;
    phase_ = FIRST;
  }

 private:
  static constexpr int FIRST = AXIS::BEFORE % AXIS::STRIDE;
  int position_ = 0;
  int phase_ = FIRST;
};

}  // namespace qcompile

#endif
