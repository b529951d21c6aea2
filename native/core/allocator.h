// The caching allocator of CPU memory: 64-byte aligned blocks in size classes; freed blocks are kept, because fresh pages cost 5x.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cg {

struct Block {
  void* data = nullptr;
  size_t bytes = 0; // the size class, at least what was asked for
};

struct MemoryFigures {
  uint64_t live = 0, cached = 0, peak = 0, cap = 0; // bytes; cap 0: none
  uint64_t allocations = 0, hits = 0;               // hits: answered from freed blocks
};

// The smallest size class that holds `bytes`: four classes to each power of two, from 64 bytes.
size_t size_class(size_t bytes);

// data is nullptr when the cap or the machine refuses, even after the cache was given back (last_failure() has the figures).
Block allocate(size_t bytes);
void deallocate(Block block);

MemoryFigures memory_figures();
void set_memory_cap(size_t bytes);
void empty_cache();
void reset_peak();

} // namespace cg
