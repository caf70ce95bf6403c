// frame_marker: between the streams inside and the byte-aligned AXI4-Streams at the accelerator's edge.
//
// open_frame    takes the words of a frame out of beats with padding bits on top
// frame_marker  gives beats with zeros on top and TLAST in the last one of a frame
#ifndef QCOMPILE_FRAME_MARKER_HPP
#define QCOMPILE_FRAME_MARKER_HPP

#if __has_include(<ap_axi_sdata.h>)
#include <ap_axi_sdata.h>
#endif

#include "stream.hpp"

namespace qcompile {

#if __has_include(<ap_axi_sdata.h>)
template <unsigned BITS>
using marked = ap_axiu<BITS, 0, 0, 0>;
#else
// The vendor's type where its header is not among the open ones: for g++ only.
template <unsigned BITS>
struct marked {
  ap_uint<BITS> data;
  ap_uint<BITS / 8> keep, strb;
  ap_uint<1> last;
};
#endif

template <unsigned FRAME, unsigned WIDTH, unsigned PADDED>
void open_frame(stream<PADDED> &s_axis, stream<WIDTH> &m_axis) {
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    m_axis.write(ap_uint<WIDTH>(s_axis.read()));
  }
}

template <unsigned FRAME, unsigned WIDTH, unsigned PADDED>
void frame_marker(stream<WIDTH> &s_axis, hls::stream<marked<PADDED>> &m_axis) {
  for (unsigned beat = 0; beat < FRAME; beat++) {
#pragma HLS PIPELINE II=1
    marked<PADDED> word;
    word.data = s_axis.read();
    word.keep = -1;
    word.strb = -1;
    word.last = beat == FRAME - 1;
    m_axis.write(word);
  }
}

}  // namespace qcompile

#endif
