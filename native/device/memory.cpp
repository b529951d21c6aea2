// The caching allocator of a device. Size classes are PyTorch's (c10/cuda/CUDACachingAllocator).
#include "device/memory.h"

#include <algorithm>

#include "core/status.h"

namespace cg {
namespace {

constexpr uint64_t kStep = 512;
constexpr uint64_t kSmall = uint64_t{1} << 20;        // up to here blocks are cut from small segments
constexpr uint64_t kSmallSegment = uint64_t{2} << 20; //
constexpr uint64_t kMedium = uint64_t{10} << 20;      // up to here from medium ones
constexpr uint64_t kMediumSegment = uint64_t{20} << 20;
constexpr uint64_t kLargeStep = uint64_t{2} << 20; // beyond, segments of their own in these steps

uint64_t round_up(uint64_t bytes, uint64_t step) { return (bytes + step - 1) / step * step; }

uint64_t segment_bytes(uint64_t bytes) {
  return bytes <= kSmall ? kSmallSegment : bytes <= kMedium ? kMediumSegment : round_up(bytes, kLargeStep);
}

} // namespace

Block DeviceMemory::allocate(size_t asked) {
  if (asked > driver_.capabilities.memory) return refuse(asked);
  const uint64_t bytes = round_up(std::max<uint64_t>(asked, 1), kStep);
  const bool small = bytes <= kSmall;
  std::lock_guard guard(lock_);
  ++figures_.allocations;
  if (figures_.cap != 0 && figures_.live + bytes > figures_.cap) return refuse(asked);
  Parts::iterator part;
  if (take(bytes, small, part)) {
    ++figures_.hits;
  } else {
    if (!grow(bytes, small)) {
      give_back();
      if (!grow(bytes, small)) return refuse(asked);
    }
    take(bytes, small, part);
  }
  figures_.live += part->second.bytes;
  figures_.peak = std::max(figures_.peak, figures_.live);
  note();
  return {reinterpret_cast<void*>(part->first), part->second.bytes};
}

// The smallest free part that is large enough; what is left over stays free.
bool DeviceMemory::take(uint64_t bytes, bool small, Parts::iterator& found) {
  auto& free = free_[small ? 0 : 1];
  const auto best = free.lower_bound({bytes, 0});
  if (best == free.end()) return false;
  found = parts_.find(best->second);
  free.erase(best);
  Part& part = found->second;
  part.free = false;
  const uint64_t rest = part.bytes - bytes;
  if (rest >= (small ? kStep : kSmall)) {
    part.bytes = bytes;
    parts_[found->first + bytes] = {rest, part.segment, true};
    free.insert({rest, found->first + bytes});
  }
  return true;
}

bool DeviceMemory::grow(uint64_t bytes, bool small) {
  const uint64_t size = segment_bytes(bytes);
  cg_address address = 0;
  if (reserved_ + size > driver_.capabilities.memory || size > driver_.capabilities.allocation) return false;
  if (driver_.allocate(driver_.self, size, &address) != 0) return false;
  reserved_ += size;
  segments_[address] = size;
  parts_[address] = {size, address, true};
  free_[small ? 0 : 1].insert({size, address});
  return true;
}

void DeviceMemory::deallocate(Block block) {
  std::lock_guard guard(lock_);
  auto part = parts_.find(reinterpret_cast<uint64_t>(block.data));
  figures_.live -= part->second.bytes;
  const uint64_t segment = part->second.segment;
  auto& free = free_[segments_[segment] == kSmallSegment ? 0 : 1];
  const auto mergeable = [&](Parts::iterator it) {
    return it != parts_.end() && it->second.segment == segment && it->second.free;
  };
  if (const auto next = std::next(part); mergeable(next)) {
    free.erase({next->second.bytes, next->first});
    part->second.bytes += next->second.bytes;
    parts_.erase(next);
  }
  if (part != parts_.begin() && mergeable(std::prev(part))) {
    const auto previous = std::prev(part);
    free.erase({previous->second.bytes, previous->first});
    previous->second.bytes += part->second.bytes;
    parts_.erase(part);
    part = previous;
  }
  part->second.free = true;
  free.insert({part->second.bytes, part->first});
  note();
}

// Releases the segments that are free as a whole.
void DeviceMemory::give_back() {
  for (auto segment = segments_.begin(); segment != segments_.end();) {
    const auto [address, size] = *segment;
    const auto part = parts_.find(address);
    if (!part->second.free || part->second.bytes != size) {
      ++segment;
      continue;
    }
    free_[size == kSmallSegment ? 0 : 1].erase({size, address});
    parts_.erase(part);
    driver_.release(driver_.self, address);
    reserved_ -= size;
    segment = segments_.erase(segment);
  }
}

Block DeviceMemory::refuse(size_t bytes) {
  fail(Status::kOutOfMemory, static_cast<double>(bytes), static_cast<double>(figures_.live),
       static_cast<double>(reserved_ - figures_.live), static_cast<double>(figures_.cap));
  return {};
}

MemoryFigures DeviceMemory::figures() {
  std::lock_guard guard(lock_);
  figures_.cached = reserved_ - figures_.live;
  return figures_;
}

void DeviceMemory::note() {
  figures_.cached = reserved_ - figures_.live;
  gauge_.note(figures_);
}

void DeviceMemory::share(double* cells, uint64_t total) {
  std::lock_guard guard(lock_);
  gauge_.attach(cells, total, figures_);
}

void DeviceMemory::set_cap(size_t bytes) {
  std::lock_guard guard(lock_);
  figures_.cap = bytes;
  note();
}

void DeviceMemory::empty_cache() {
  std::lock_guard guard(lock_);
  give_back();
  note();
}

void DeviceMemory::reset_peak() {
  std::lock_guard guard(lock_);
  figures_.peak = figures_.live;
  note();
}

bool DeviceMemory::owns(const void* pointer) {
  const auto address = reinterpret_cast<uint64_t>(pointer);
  std::lock_guard guard(lock_);
  const auto after = segments_.upper_bound(address);
  if (after == segments_.begin()) return false;
  const auto& [start, size] = *std::prev(after);
  return address < start + size;
}

std::vector<Stretch> DeviceMemory::stretches() {
  std::lock_guard guard(lock_);
  std::vector<Stretch> all;
  for (const auto& [address, part] : parts_) all.push_back({address, part.bytes, part.segment, !part.free});
  return all;
}

} // namespace cg
