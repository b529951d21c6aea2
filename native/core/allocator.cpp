// Small blocks are cut from slabs and never given back; large ones are mappings of their own, evicted oldest first.
#include "core/allocator.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <mutex>
#include <new>

#include "core/machine.h"
#include "core/pages.h"
#include "core/status.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (void)0
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (void)0
#endif

namespace cg {
namespace {

constexpr size_t kStep = 64;           // every class is a multiple, so that blocks cut from a slab stay aligned
constexpr size_t kStepped = 4 * kStep; // up to here one class per step, beyond four per power of two
constexpr size_t kLargestSmall = 64 << 10;
constexpr size_t kSlab = 4 << 20;
constexpr size_t kSpare = 256 << 20; // left to the rest of the machine
constexpr size_t kUnasked = 1 << 30; // mapped at most before the machine is asked again what it has
constexpr int kClasses = 4 * 41;     // up to 2^48 bytes

int class_index(size_t bytes) {
  if (bytes <= kStepped) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / kStep);
  const int exponent = std::bit_width(bytes - 1) - 1; // 2^exponent < bytes <= 2^(exponent+1)
  const size_t octave = size_t{1} << exponent, quarter = octave / 4;
  return 4 * (exponent - 8) + static_cast<int>((bytes - octave - 1) / quarter) + 4;
}

size_t class_bytes(int index) {
  if (index < 4) return kStep * static_cast<size_t>(index + 1);
  const size_t octave = kStepped << (index / 4 - 1);
  return octave + octave / 4 * static_cast<size_t>(index % 4 + 1);
}

// Written into the first bytes of a free block.
struct Free {
  Free* next;
  Free* previous; // large classes only: towards the newest
  uint64_t stamp;
};

class SpinLock {
public:
  void lock() {
    while (busy_.exchange(true, std::memory_order_acquire))
      while (busy_.load(std::memory_order_relaxed)) __builtin_ia32_pause();
  }
  void unlock() { busy_.store(false, std::memory_order_release); }

private:
  std::atomic<bool> busy_{false};
};

class Cache final : public Allocator {
public:
  Block allocate(size_t bytes) override {
    const int index = class_index(bytes);
    if (index >= kClasses) return refuse(bytes);
    const Block block{nullptr, class_bytes(index)};
    std::lock_guard guard(lock_);
    ++figures_.allocations;
    if (figures_.cap != 0 && figures_.live + block.bytes > figures_.cap) return refuse(bytes);
    void* data = pop(index);
    if (data != nullptr) {
      ++figures_.hits;
      figures_.cached -= block.bytes;
    } else {
      data = block.bytes <= kLargestSmall ? cut(block.bytes) : map(block.bytes);
      if (data == nullptr) return refuse(bytes);
    }
    figures_.live += block.bytes;
    figures_.peak = std::max(figures_.peak, figures_.live);
    gauge_.note(figures_);
    return {data, block.bytes};
  }

  void deallocate(Block block) override {
    std::lock_guard guard(lock_);
    figures_.live -= block.bytes;
    if (block.bytes > kLargestSmall) {
      if (block.bytes > limit_) {
        gauge_.note(figures_);
        return unmap(block.data, block.bytes);
      }
      while (figures_.cached + block.bytes > limit_ && evict_oldest()) {}
    }
    figures_.cached += block.bytes;
    gauge_.note(figures_);
    push(class_index(block.bytes), block.data);
    ASAN_POISON_MEMORY_REGION(static_cast<char*>(block.data) + sizeof(Free), block.bytes - sizeof(Free));
  }

  void empty_cache() override {
    std::lock_guard guard(lock_);
    while (evict_oldest()) {}
    gauge_.note(figures_);
  }

  MemoryFigures figures() override {
    std::lock_guard guard(lock_);
    return figures_;
  }
  void set_cap(size_t bytes) override {
    std::lock_guard guard(lock_);
    figures_.cap = bytes;
    gauge_.note(figures_);
  }
  void reset_peak() override {
    std::lock_guard guard(lock_);
    figures_.peak = figures_.live;
    gauge_.note(figures_);
  }
  void share(double* cells, uint64_t total) override {
    std::lock_guard guard(lock_);
    gauge_.attach(cells, total, figures_);
  }

private:
  Block refuse(size_t bytes) {
    fail(Status::kOutOfMemory, static_cast<double>(bytes), static_cast<double>(figures_.live),
         static_cast<double>(figures_.cached), static_cast<double>(figures_.cap));
    return {};
  }

  void* pop(int index) {
    Free* block = newest_[index];
    if (block == nullptr) return nullptr;
    newest_[index] = block->next;
    if (block->next != nullptr)
      block->next->previous = nullptr;
    else
      oldest_[index] = nullptr;
    ASAN_UNPOISON_MEMORY_REGION(block, class_bytes(index));
    return block;
  }

  void push(int index, void* data) {
    auto* block = new (data) Free{newest_[index], nullptr, ++stamp_};
    if (block->next != nullptr)
      block->next->previous = block;
    else
      oldest_[index] = block;
    newest_[index] = block;
  }

  // Unmaps the large block that was freed first; false when there is none.
  bool evict_oldest() {
    int victim = -1;
    for (int index = class_index(kLargestSmall) + 1; index < kClasses; ++index)
      if (oldest_[index] != nullptr && (victim < 0 || oldest_[index]->stamp < oldest_[victim]->stamp)) victim = index;
    if (victim < 0) return false;
    Free* block = oldest_[victim];
    oldest_[victim] = block->previous;
    if (block->previous != nullptr)
      block->previous->next = nullptr;
    else
      newest_[victim] = nullptr;
    figures_.cached -= class_bytes(victim);
    ASAN_UNPOISON_MEMORY_REGION(block, class_bytes(victim));
    unmap(block, class_bytes(victim));
    return true;
  }

  void* cut(size_t bytes) {
    if (slab_left_ < bytes) {
      void* slab = map(kSlab);
      if (slab == nullptr) return nullptr;
      slab_ = static_cast<char*>(slab);
      slab_left_ = kSlab;
    }
    void* data = slab_;
    slab_ += bytes;
    slab_left_ -= bytes;
    return data;
  }

  // Mappings count in whole pages; the classes above kLargestSmall are multiples of 16 KiB.
  void* map(size_t bytes) {
    void* pages = affordable(bytes) ? map_pages(bytes) : nullptr;
    if (pages == nullptr && figures_.cached > 0) {
      while (evict_oldest()) {}
      pages = affordable(bytes) ? map_pages(bytes) : nullptr;
    }
    if (pages != nullptr) mapped_ += bytes;
    return pages;
  }

  void unmap(void* pages, size_t bytes) {
    unmap_pages(pages, bytes);
    mapped_ -= bytes;
  }

  // Linux promises pages that it does not have, and kills who writes to them: so the machine is asked first.
  bool affordable(size_t bytes) {
    if (mapped_ + bytes > total_) return false;
    if (bytes > unasked_) {
      const size_t available = available_memory();
      if (available < kSpare || available - kSpare < bytes) return false;
      unasked_ = bytes + std::min(kUnasked, (available - kSpare - bytes) / 2);
    }
    unasked_ -= bytes;
    return true;
  }

  SpinLock lock_;
  MemoryFigures figures_;
  Gauge gauge_;
  const size_t total_ = total_memory();
  const size_t limit_ = total_ / 8; // most bytes of freed blocks kept
  size_t mapped_ = 0, unasked_ = 0;
  std::array<Free*, kClasses> newest_{}, oldest_{};
  uint64_t stamp_ = 0;
  char* slab_ = nullptr;
  size_t slab_left_ = 0;
};

} // namespace

size_t size_class(size_t bytes) { return class_bytes(class_index(bytes)); }

// Never destroyed: worker environments may free tensors while the process ends.
Allocator& host_allocator() {
  static Cache* instance = std::make_unique<Cache>().release();
  return *instance;
}

} // namespace cg
