// The caching allocator of a device: blocks are cut from segments, put together again when freed, and kept. A segment belongs to a pool and a stream.
#pragma once
#include <array>
#include <compare>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "core/allocator.h"
#include "device/streams.h"

namespace cg {

// A stretch of a segment; `live` when a tensor has it.
struct Stretch {
  uint64_t address, bytes, segment;
  bool live;
};

class DeviceMemory final : public Allocator {
public:
  DeviceMemory(const cg_driver& driver, Streams& streams)
      : driver_(driver), streams_(streams), deferred_(streams, driver) {}

  Block allocate(size_t bytes) override { return allocate_in(0, bytes); }
  // For the current stream; `pool` is 0 or one of open_pool().
  Block allocate_in(size_t pool, size_t bytes);
  void deallocate(Block block) override;
  MemoryFigures figures() override;
  void set_cap(size_t bytes) override;
  void empty_cache() override;
  void reset_peak() override;
  void share(double* cells, uint64_t total) override;

  // The current stream works on the block that `address` points into: one of another stream is not given away before that is done.
  void used(const void* address);

  size_t open_pool();
  MemoryFigures pool_figures(size_t pool);
  // Gives the pool's memory back to the driver: now, or when its last block is freed.
  void close_pool(size_t pool);

  // True for an address inside a segment: anything else that a launch is given is host memory.
  bool owns(const void* address);
  std::vector<Stretch> stretches();

private:
  struct Part {
    uint64_t bytes;
    uint64_t segment;
    bool free;
    uint64_t users = 0; // streams beside its own that work on it, a bit each
  };
  using Parts = std::map<uint64_t, Part>; // by address
  struct Owner {
    size_t pool;
    int32_t stream;
    auto operator<=>(const Owner&) const = default;
  };
  struct Segment {
    uint64_t bytes;
    Owner owner;
    bool small() const;
  };
  struct Pool {
    MemoryFigures figures;
    bool closed = false;
  };
  using Free = std::set<std::pair<uint64_t, uint64_t>>; // (size, address)

  bool take(uint64_t bytes, Owner owner, Parts::iterator& found);
  bool grow(uint64_t bytes, Owner owner);
  void poll();
  void put_back(Parts::iterator part);
  // Releases segments that are free as a whole, of all pools or of one.
  void give_back();
  void give_back(size_t pool);
  template <class Wanted> void give_back_if(const Wanted& wanted);
  Block refuse(size_t bytes);
  // After every change, under the lock.
  void note();
  Free& free_of(const Segment& segment) { return free_[segment.owner][segment.small() ? 0 : 1]; }

  const cg_driver& driver_;
  Streams& streams_;
  std::mutex lock_;
  MemoryFigures figures_;
  Gauge gauge_;
  Parts parts_;
  std::map<uint64_t, Segment> segments_;      // by address
  std::map<Owner, std::array<Free, 2>> free_; // of small segments, of large ones
  std::deque<Pool> pools_{1};
  Deferred deferred_; // blocks that other streams still work on
  uint64_t reserved_ = 0;
};

} // namespace cg
