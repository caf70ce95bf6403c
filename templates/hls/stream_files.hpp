// Frames of packed beats in files, and streams that carry them: what the test bench is made of.
#ifndef STREAM_FILES_HPP
#define STREAM_FILES_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "library/frame_marker.hpp"
#include "library/stream.hpp"

namespace stream_files {

[[noreturn]] inline void fail(const std::string &why) {
  std::fprintf(stderr, "tb: %s\n", why.c_str());
  std::exit(2);
}

// Frame after frame, each of `beats` beats of `bytes` bytes, lowest byte first.
class Frames {
 public:
  Frames(std::size_t beats, std::size_t bytes) : beats_(beats), bytes_(bytes) {}

  Frames(const std::string &path, std::size_t beats, std::size_t bytes) : beats_(beats), bytes_(bytes) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail("cannot read " + path);
    data_.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    if (data_.size() % (beats * bytes) != 0) fail(path + " does not hold whole frames");
  }

  std::size_t count() const { return data_.size() / (beats_ * bytes_); }
  std::size_t beats() const { return beats_; }
  std::size_t bytes() const { return bytes_; }
  std::uint8_t byte(std::size_t frame, std::size_t beat, std::size_t k) const {
    return static_cast<std::uint8_t>(data_[(frame * beats_ + beat) * bytes_ + k]);
  }
  void append(std::uint8_t byte) { data_.push_back(static_cast<char>(byte)); }

  // Whether a frame is that of the same number in `other`.
  bool same(const Frames &other, std::size_t frame) const {
    const std::size_t size = beats_ * bytes_, first = frame * size;
    return data_.size() >= first + size && other.data_.size() >= first + size &&
           std::equal(data_.begin() + first, data_.begin() + first + size, other.data_.begin() + first);
  }

  void write(const std::string &path) const {
    std::ofstream file(path, std::ios::binary);
    file.write(data_.data(), static_cast<std::streamsize>(data_.size()));
    if (!file.flush()) fail("cannot write " + path);
  }

 private:
  std::size_t beats_, bytes_;
  std::vector<char> data_;
};

template <int BITS>
void send(const Frames &frames, std::size_t frame, hls::stream<ap_uint<BITS>> &stream) {
  for (std::size_t beat = 0; beat < frames.beats(); beat++) {
    ap_uint<BITS> word = 0;
    for (std::size_t k = 0; k < frames.bytes(); k++) word.range(8 * k + 7, 8 * k) = frames.byte(frame, beat, k);
    stream.write(word);
  }
}

template <class BEAT>
void receive(hls::stream<BEAT> &stream, Frames &frames) {
  for (std::size_t beat = 0; beat < frames.beats(); beat++) {
    if (stream.empty()) fail("a frame came out too short");
    const BEAT word = stream.read();
    if ((word.last != 0) != (beat == frames.beats() - 1)) fail("TLAST is not where a frame ends");
    for (std::size_t k = 0; k < frames.bytes(); k++) {
      frames.append(static_cast<std::uint8_t>(word.data.range(8 * k + 7, 8 * k).to_uint()));
    }
  }
  if (!stream.empty()) fail("a frame came out too long");
}

}  // namespace stream_files

#endif
