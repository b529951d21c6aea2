// The caching allocator of a device: blocks are cut from segments, put together again when freed, and kept.
#pragma once
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "core/allocator.h"
#include "device/driver.h"

namespace cg {

// A stretch of a segment; `live` when a tensor has it.
struct Stretch {
  uint64_t address, bytes, segment;
  bool live;
};

class DeviceMemory final : public Allocator {
public:
  explicit DeviceMemory(const cg_driver& driver) : driver_(driver) {}

  Block allocate(size_t bytes) override;
  void deallocate(Block block) override;
  MemoryFigures figures() override;
  void set_cap(size_t bytes) override;
  void empty_cache() override;
  void reset_peak() override;
  void share(double* cells, uint64_t total) override;

  // True for an address inside a segment: anything else that a launch is given is host memory.
  bool owns(const void* address);
  std::vector<Stretch> stretches();

private:
  struct Part {
    uint64_t bytes;
    uint64_t segment;
    bool free;
  };
  using Parts = std::map<uint64_t, Part>; // by address

  bool take(uint64_t bytes, bool small, Parts::iterator& found);
  bool grow(uint64_t bytes, bool small);
  void give_back();
  Block refuse(size_t bytes);
  // After every change, under the lock.
  void note();

  const cg_driver& driver_;
  std::mutex lock_;
  MemoryFigures figures_;
  Gauge gauge_;
  Parts parts_;
  std::map<uint64_t, uint64_t> segments_;           // address to size
  std::set<std::pair<uint64_t, uint64_t>> free_[2]; // (size, address): of small segments, of large ones
  uint64_t reserved_ = 0;
};

} // namespace cg
