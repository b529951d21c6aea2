// The caching allocator of pinned host memory: a device copies from and to it while the host goes on.
#pragma once
#include <map>
#include <mutex>
#include <vector>

#include "core/allocator.h"
#include "device/streams.h"

namespace cg {

class PinnedMemory final : public Allocator {
public:
  PinnedMemory(const cg_driver& driver, Streams& streams)
      : driver_(driver), streams_(streams), deferred_(streams, driver) {}

  Block allocate(size_t bytes) override;
  void deallocate(Block block) override;
  MemoryFigures figures() override;
  void set_cap(size_t bytes) override;
  void empty_cache() override;
  void reset_peak() override;
  // The gauges are of devices; this is memory of the host.
  void share(double*, uint64_t) override {}

  // False where the driver has none.
  bool available() const { return driver_.allocate_host != nullptr; }
  // True for `bytes` inside live blocks.
  bool owns(const void* host, size_t bytes);
  // The current stream copies from or to it: freed, its block is not given away before the copy is over.
  void used(const void* host);

private:
  struct Part {
    uint64_t bytes;
    uint64_t streams; // that copy from or to it, a bit each
  };

  void free(uint64_t address);

  const cg_driver& driver_;
  Streams& streams_;
  std::mutex lock_;
  MemoryFigures figures_;
  std::map<uint64_t, Part> parts_;                 // by address
  std::map<uint64_t, std::vector<uint64_t>> free_; // by size
  Deferred deferred_;
};

} // namespace cg
