// matrix_matrix_unit: C = A * B of two matrices that both come as streams, LANES products a cycle.
//
// Streams     A comes row by row, FRAME words a frame. TRANSPOSED: B comes column by column, both LANES elements of the summed
//             axis a word; MIDDLE columns, INNER words a column; one sum a word. Otherwise B comes row by row, LANES columns a word;
//             MIDDLE rows, INNER words a row; A comes one element a word; LANES sums a word
// Interval    ROWS * MIDDLE * INNER cycles a product: B is taken during the first row of A, kept, and replayed for the others
//
// What is multiplied is A_FACTOR * a + A_TERM (of LEFT_BITS) and B_FACTOR * b + B_TERM (of RIGHT_BITS).
#ifndef QCOMPILE_MATRIX_MATRIX_UNIT_HPP
#define QCOMPILE_MATRIX_MATRIX_UNIT_HPP

#include "stream.hpp"

namespace qcompile {

template <unsigned FRAME, unsigned ROWS, unsigned MIDDLE, unsigned INNER, unsigned LANES, bool TRANSPOSED, unsigned A_BITS,
          bool A_SIGNED, int A_FACTOR, int A_TERM, unsigned LEFT_BITS, bool LEFT_SIGNED, unsigned B_BITS, bool B_SIGNED,
          int B_FACTOR, int B_TERM, unsigned RIGHT_BITS, bool RIGHT_SIGNED, unsigned OUTPUT_BITS, ram_style RAM_STYLE,
          bool USE_DSP>
void matrix_matrix_unit(stream<(TRANSPOSED ? LANES : 1) * A_BITS> &s_axis_a, stream<LANES * B_BITS> &s_axis_b,
                        stream<(TRANSPOSED ? 1 : LANES) * OUTPUT_BITS> &m_axis) {
  constexpr unsigned A_LANES = TRANSPOSED ? LANES : 1;
  constexpr unsigned C_LANES = TRANSPOSED ? 1 : LANES;
  constexpr unsigned PRODUCTS = FRAME / (ROWS * (TRANSPOSED ? INNER : MIDDLE));

  ap_uint<LANES * B_BITS> kept[MIDDLE * INNER];
  bind_ram<RAM_STYLE>(kept);
  ap_uint<A_LANES * A_BITS> row_of_a[TRANSPOSED ? INNER : 1];
  ap_uint<C_LANES * OUTPUT_BITS> partial[TRANSPOSED ? 1 : INNER];

  for (unsigned product = 0; product < PRODUCTS; product++) {
    for (unsigned row = 0; row < ROWS; row++) {
      for (unsigned middle = 0; middle < MIDDLE; middle++) {
        for (unsigned inner = 0; inner < INNER; inner++) {
#pragma HLS PIPELINE II=1
          if (row == 0) kept[middle * INNER + inner] = s_axis_b.read();
          const ap_uint<LANES * B_BITS> b = kept[middle * INNER + inner];
          if (TRANSPOSED ? middle == 0 : inner == 0) row_of_a[TRANSPOSED ? inner : 0] = s_axis_a.read();
          const ap_uint<A_LANES * A_BITS> a = row_of_a[TRANSPOSED ? inner : 0];

          const bool first = TRANSPOSED ? inner == 0 : middle == 0;
          const bool last = TRANSPOSED ? inner == INNER - 1 : middle == MIDDLE - 1;
          ap_uint<C_LANES * OUTPUT_BITS> sums = first ? ap_uint<C_LANES * OUTPUT_BITS>(0) : partial[TRANSPOSED ? 0 : inner];
          for (unsigned lane = 0; lane < LANES; lane++) {
#pragma HLS UNROLL
            const auto x = element<A_BITS, A_SIGNED>(a, TRANSPOSED ? lane : 0);
            const auto y = element<B_BITS, B_SIGNED>(b, lane);
            const integer<LEFT_BITS, LEFT_SIGNED> left = x * ap_int<32>(A_FACTOR) + A_TERM;
            const integer<RIGHT_BITS, RIGHT_SIGNED> right = y * ap_int<32>(B_FACTOR) + B_TERM;
            const unsigned place = TRANSPOSED ? 0 : lane;
            const ap_uint<OUTPUT_BITS> sum =
                element<OUTPUT_BITS>(sums, place) + multiply<USE_DSP>(left, right);
            set_element(sums, place, sum);
          }
          partial[TRANSPOSED ? 0 : inner] = sums;
          if (last) m_axis.write(sums);
        }
      }
    }
  }
}

}  // namespace qcompile

#endif
