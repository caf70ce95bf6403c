// Sources, sinks and the clock of a compiled bench: AXI4-Streams fed from and written to binary files.
//
// A file holds one beat after another, each as the bytes of tdata, lowest first. With a model that was built for it
// (verilator --trace-vcd), every signal is recorded, too.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace bench {

// xorshift64*: repeatable on every machine, quick enough to be asked once a stream and cycle.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 2685821657736338717ULL + 1442695040888963407ULL) {}
  bool hit(unsigned percent) {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return ((state_ * 2685821657736338717ULL) >> 33) % 100 < percent;
  }

 private:
  uint64_t state_;
};

// Says every second or so how many cycles are done.
class Progress {
 public:
  void tell(uint64_t cycle) {
    if (cycle % 1024 != 0) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - told_ < std::chrono::seconds(1)) return;
    told_ = now;
    std::printf("cycle %llu\n", static_cast<unsigned long long>(cycle));
    std::fflush(stdout);
  }

 private:
  std::chrono::steady_clock::time_point told_ = std::chrono::steady_clock::now();
};

// What the design does wrong: a broken protocol, or no output any more.
class Fault : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The bench cannot run.
[[noreturn]] inline void fail(const std::string& message) {
  std::fprintf(stderr, "bench: %s\n", message.c_str());
  std::exit(1);
}

inline std::vector<uint8_t> read_file(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) fail("cannot read " + path);
  std::vector<uint8_t> bytes;
  uint8_t block[65536];
  for (size_t got; (got = std::fread(block, 1, sizeof block, file)) > 0;) bytes.insert(bytes.end(), block, block + got);
  std::fclose(file);
  return bytes;
}

inline void write_file(const std::string& path, const std::vector<uint8_t>& bytes) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() || std::fclose(file) != 0) {
    fail("cannot write " + path);
  }
}

// The clock, 10 ns a cycle, and with a path the waveform of everything.
template <typename Dut>
class Clock {
 public:
  Clock(Dut& dut, const char* path) : dut_(dut) {
    if (path == nullptr) return;
#if VM_TRACE
    dut_.contextp()->traceEverOn(true);
    waves_ = std::make_unique<VerilatedVcdC>();
    dut_.trace(waves_.get(), 99);
    waves_->open(path);
    if (!waves_->isOpen()) fail(std::string("cannot write ") + path);
#else
    fail("built without waveforms");
#endif
  }

  // Half a cycle. What the bench drives, it changes before the clock falls.
  void half(uint8_t level) {
    dut_.aclk = level;
    dut_.eval();
#if VM_TRACE
    if (waves_) waves_->dump(dut_.contextp()->time());
#endif
    dut_.contextp()->timeInc(5000);
  }

  void finish() {
    dut_.final();
#if VM_TRACE
    if (waves_) waves_->close();
#endif
  }

 private:
  Dut& dut_;
#if VM_TRACE
  std::unique_ptr<VerilatedVcdC> waves_;
#endif
};

// Drives one s_axis: a beat once offered stays until it is taken.
template <typename Data>
class Source {
 public:
  Source(Data& tdata, uint8_t& tvalid, const uint8_t& tready, size_t beat_bytes, size_t frame_beats,
         std::vector<uint8_t> bytes)
      : tdata_(tdata), tvalid_(tvalid), tready_(tready), beat_bytes_(beat_bytes), frame_beats_(frame_beats),
        bytes_(std::move(bytes)) {
    if (bytes_.size() % beat_bytes_ != 0) fail("an input file does not hold whole beats");
  }

  // Before the rising edge: what to offer in this cycle. Beat i of n of a frame is not offered before i * spread / n of its
  // cycles have passed.
  void drive(Random& random, unsigned idle_percent, uint64_t spread, uint64_t cycle) {
    const uint64_t beat = position_ / beat_bytes_;
    const bool due = cycle >= beat / frame_beats_ * spread + beat % frame_beats_ * spread / frame_beats_;
    if (tvalid_ == 0 && due && position_ < bytes_.size() && !random.hit(idle_percent)) {
      std::memset(static_cast<void*>(&tdata_), 0, sizeof tdata_);
      std::memcpy(static_cast<void*>(&tdata_), &bytes_[position_], beat_bytes_);
      tvalid_ = 1;
    }
  }

  // After the combinational logic has settled: whether the beat moves at this edge.
  void sample() { taken_ = tvalid_ != 0 && tready_ != 0; }

  // After the rising edge.
  void advance(uint64_t cycle) {
    if (!taken_) return;
    if (position_ == 0) first_ = cycle;
    position_ += beat_bytes_;
    tvalid_ = 0;
  }

  size_t beats_left() const { return (bytes_.size() - position_) / beat_bytes_; }
  uint64_t first() const { return first_; }

 private:
  Data& tdata_;
  uint8_t& tvalid_;
  const uint8_t& tready_;
  size_t beat_bytes_;
  size_t frame_beats_;
  std::vector<uint8_t> bytes_;
  size_t position_ = 0;
  uint64_t first_ = 0;
  bool taken_ = false;
};

// Takes one m_axis, and holds it against the protocol: what is offered stays as it is, tlast comes with the last beat only.
template <typename Data>
class Sink {
 public:
  Sink(const Data& tdata, const uint8_t& tvalid, const uint8_t& tlast, uint8_t& tready, size_t beat_bytes, size_t frame_beats)
      : tdata_(tdata), tvalid_(tvalid), tlast_(tlast), tready_(tready), beat_bytes_(beat_bytes), frame_beats_(frame_beats) {}

  void drive(Random& random, unsigned stall_percent) { tready_ = random.hit(stall_percent) ? 0 : 1; }

  void sample(uint64_t cycle) {
    if (waiting_ && (tvalid_ == 0 || std::memcmp(static_cast<const void*>(&tdata_), &held_, sizeof held_) != 0)) {
      throw Fault("an output beat changed while it waited, in cycle " + std::to_string(cycle));
    }
    taken_ = tvalid_ != 0 && tready_ != 0;
    waiting_ = tvalid_ != 0 && tready_ == 0;
    if (waiting_) std::memcpy(static_cast<void*>(&held_), static_cast<const void*>(&tdata_), sizeof held_);
    if (!taken_) return;
    const bool last = (beats_ + 1) % frame_beats_ == 0;
    if (last != (tlast_ != 0)) throw Fault("tlast is wrong at output beat " + std::to_string(beats_));
    const auto* bytes = reinterpret_cast<const uint8_t*>(&tdata_);
    bytes_.insert(bytes_.end(), bytes, bytes + beat_bytes_);
    if (beats_ == 0) first_ = cycle;
    if (last) ends_.push_back(cycle);
    ++beats_;
  }

  size_t beats() const { return beats_; }
  bool taken() const { return taken_; }
  uint64_t first() const { return first_; }
  const std::vector<uint64_t>& ends() const { return ends_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  const Data& tdata_;
  const uint8_t& tvalid_;
  const uint8_t& tlast_;
  uint8_t& tready_;
  size_t beat_bytes_;
  size_t frame_beats_;
  std::vector<uint8_t> bytes_;
  std::vector<uint64_t> ends_;
  Data held_{};
  size_t beats_ = 0;
  uint64_t first_ = 0;
  bool taken_ = false;
  bool waiting_ = false;
};

}  // namespace bench
