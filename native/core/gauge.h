// Memory figures in doubles that any thread reads without asking: what a device holds now, and held in each half second.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cg {

struct MemoryFigures;

// Milliseconds since some start; up to 4 ms late, because it costs a quarter of the exact clock.
int64_t coarse_milliseconds();

// ORDER GAUGE: src/wire/gauges.ts reads the same places. A ring entry is its half second + 1, then the most bytes in it, the bytes at its
// end and before it.
class Gauge {
public:
  static constexpr size_t kLive = 0, kCached = 1, kPeak = 2, kCap = 3, kTotal = 4, kRing = 8;
  static constexpr size_t kSlots = 1200, kStride = 4;
  static constexpr size_t kCells = kRing + kSlots * kStride;
  static constexpr int64_t kSlotMilliseconds = 500;

  // From now on the figures are written to kCells doubles there; nullptr: to nowhere. Under the lock that guards note().
  void attach(double* cells, uint64_t total, const MemoryFigures& figures);
  void note(const MemoryFigures& figures) {
    if (cells_ != nullptr) write(figures);
  }

private:
  void write(const MemoryFigures& figures);

  double* cells_ = nullptr;
};

} // namespace cg
