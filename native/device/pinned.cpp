// The caching allocator of pinned host memory: blocks are powers of two, as in PyTorch, because pinning is slow.
#include "device/pinned.h"

#include <algorithm>
#include <bit>
#include <iterator>

namespace cg {
namespace {
constexpr uint64_t kSmallest = 4096;
}

Block PinnedMemory::allocate(size_t asked) {
  if (!available() || asked > (uint64_t{1} << 46))
    return fail(Status::kOutOfMemory, static_cast<double>(asked)), Block{};
  const uint64_t bytes = std::bit_ceil(std::max<uint64_t>(asked, kSmallest));
  std::lock_guard guard(lock_);
  deferred_.poll([this](uint64_t address) { free(address); });
  ++figures_.allocations;
  uint64_t address = 0;
  if (auto& free = free_[bytes]; !free.empty()) {
    address = free.back();
    free.pop_back();
    figures_.cached -= bytes;
    ++figures_.hits;
  } else {
    const bool room = figures_.cap == 0 || figures_.live + bytes <= figures_.cap;
    void* made = nullptr;
    if (!room || driver_.allocate_host(driver_.self, bytes, &made) != 0) {
      fail(Status::kOutOfMemory, static_cast<double>(asked), static_cast<double>(figures_.live),
           static_cast<double>(figures_.cached), static_cast<double>(figures_.cap));
      return {};
    }
    address = reinterpret_cast<uint64_t>(made);
  }
  parts_[address] = {bytes, 0};
  figures_.live += bytes;
  figures_.peak = std::max(figures_.peak, figures_.live);
  return {reinterpret_cast<void*>(address), bytes};
}

void PinnedMemory::deallocate(Block block) {
  std::lock_guard guard(lock_);
  const auto address = reinterpret_cast<uint64_t>(block.data);
  const Part part = parts_.at(address);
  figures_.live -= part.bytes;
  figures_.cached += part.bytes;
  if (!deferred_.add(address, part.streams)) free(address);
}

void PinnedMemory::free(uint64_t address) {
  const auto part = parts_.find(address);
  free_[part->second.bytes].push_back(address);
  parts_.erase(part);
}

MemoryFigures PinnedMemory::figures() {
  std::lock_guard guard(lock_);
  return figures_;
}

void PinnedMemory::set_cap(size_t bytes) {
  std::lock_guard guard(lock_);
  figures_.cap = bytes;
}

void PinnedMemory::empty_cache() {
  std::lock_guard guard(lock_);
  deferred_.poll([this](uint64_t address) { free(address); });
  for (auto& [bytes, addresses] : free_) {
    for (const uint64_t address : addresses) driver_.release_host(driver_.self, reinterpret_cast<void*>(address));
    figures_.cached -= bytes * addresses.size();
  }
  free_.clear();
}

void PinnedMemory::reset_peak() {
  std::lock_guard guard(lock_);
  figures_.peak = figures_.live;
}

bool PinnedMemory::owns(const void* host, size_t bytes) {
  const auto address = reinterpret_cast<uint64_t>(host);
  std::lock_guard guard(lock_);
  const auto after = parts_.upper_bound(address);
  return after != parts_.begin() && address + bytes <= std::prev(after)->first + std::prev(after)->second.bytes;
}

void PinnedMemory::used(const void* host) {
  std::lock_guard guard(lock_);
  const auto part = std::prev(parts_.upper_bound(reinterpret_cast<uint64_t>(host)));
  part->second.streams |= uint64_t{1} << streams_.current();
}

} // namespace cg
