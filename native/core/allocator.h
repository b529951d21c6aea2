// The caching allocator of CPU memory: 64-byte aligned blocks in size classes; freed blocks are kept, because fresh pages cost 5x.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/gauge.h"

namespace cg {

struct Block {
  void* data = nullptr;
  size_t bytes = 0; // the size class, at least what was asked for
};

struct MemoryFigures {
  uint64_t live = 0, cached = 0, peak = 0, cap = 0; // bytes; cap 0: none
  uint64_t allocations = 0, hits = 0;               // hits: answered from freed blocks
};

// The memory of a device.
class Allocator {
public:
  virtual ~Allocator() = default;
  // data is nullptr when the cap or the machine refuses, even after the cache was given back; last_failure() has the figures.
  virtual Block allocate(size_t bytes) = 0;
  virtual void deallocate(Block block) = 0;
  virtual MemoryFigures figures() = 0;
  virtual void set_cap(size_t bytes) = 0;
  virtual void empty_cache() = 0;
  virtual void reset_peak() = 0;
  // Has the figures written to Gauge::kCells doubles whenever they change; nullptr: no longer. `total`: all memory of the device.
  virtual void share(double* cells, uint64_t total) = 0;
};

// The memory of the host.
Allocator& host_allocator();

// The smallest size class that holds `bytes`: steps of 64 up to 256, then four classes to each power of two.
size_t size_class(size_t bytes);

} // namespace cg
