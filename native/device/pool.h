// A pool that a person named: memory of a device for the tensors of one purpose, with figures of its own.
#pragma once
#include <mutex>

#include "core/allocator.h"
#include "device/device.h"

namespace cg {

// On a device with segments some of them are the pool's alone, and go back to the driver as a whole. On the CPU, whose blocks are cached by
// size, it counts.
class Pool final : public Allocator {
public:
  Pool(int32_t index, const Device& device);

  // The number of a fresh pool, from 1 on.
  static int32_t open(int32_t index, const Device& device);
  static Pool* find(int32_t number);

  Block allocate(size_t bytes) override;
  void deallocate(Block block) override;
  MemoryFigures figures() override;
  // Caps, caches, peaks and gauges are those of the device.
  void set_cap(size_t) override {}
  void empty_cache() override {}
  void reset_peak() override {}
  void share(double*, uint64_t) override {}

  // Nothing more will be made in it: what it keeps goes back to the driver, now or with its last tensor.
  void close();
  int32_t device() const { return index_; }

private:
  const int32_t index_;
  Allocator& memory_;
  DeviceMemory* const segments_; // nullptr on the CPU
  const size_t number_;          // among the pools of the segments
  std::mutex lock_;
  MemoryFigures counted_;
};

} // namespace cg
