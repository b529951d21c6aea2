// Memory figures in shared doubles.
#include "core/gauge.h"

#include <atomic>
#include <ctime>

#include "core/allocator.h"

namespace cg {
namespace {

void put(double& cell, double value) { std::atomic_ref(cell).store(value, std::memory_order_relaxed); }

} // namespace

int64_t coarse_milliseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

void Gauge::attach(double* cells, uint64_t total, const MemoryFigures& figures) {
  cells_ = cells;
  if (cells == nullptr) return;
  put(cells[kTotal], static_cast<double>(total));
  write(figures);
}

void Gauge::write(const MemoryFigures& figures) {
  const auto live = static_cast<double>(figures.live);
  const double before = cells_[kLive];
  put(cells_[kLive], live);
  put(cells_[kCached], static_cast<double>(figures.cached));
  put(cells_[kPeak], static_cast<double>(figures.peak));
  put(cells_[kCap], static_cast<double>(figures.cap));
  const int64_t slot = coarse_milliseconds() / kSlotMilliseconds;
  double* entry = cells_ + kRing + static_cast<size_t>(slot) % kSlots * kStride;
  const auto number = static_cast<double>(slot + 1);
  if (entry[0] != number) {
    put(entry[1], live);
    put(entry[3], before);
  } else if (live > entry[1]) {
    put(entry[1], live);
  }
  put(entry[2], live);
  put(entry[0], number);
}

} // namespace cg
