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

bool DeviceMemory::Segment::small() const { return bytes == kSmallSegment; }

// The rungs of the ladder: a cached block, one that other streams are done with, a new segment, a new segment after all that is cached
// went back to the driver, and the same after waiting for other streams.
Block DeviceMemory::allocate_in(size_t pool, size_t asked) {
  if (asked > driver_.capabilities.memory) return refuse(asked);
  const uint64_t bytes = round_up(std::max<uint64_t>(asked, 1), kStep);
  std::lock_guard guard(lock_);
  const Owner owner{pool, streams_.current()};
  Pool& own = pools_[pool];
  ++figures_.allocations;
  ++own.figures.allocations;
  if (figures_.cap != 0 && figures_.live + bytes > figures_.cap) return refuse(asked);
  poll();
  Parts::iterator part;
  if (take(bytes, owner, part)) {
    ++figures_.hits;
    ++own.figures.hits;
  } else {
    bool grown = grow(bytes, owner);
    if (!grown) {
      give_back();
      grown = grow(bytes, owner);
    }
    if (!grown && !deferred_.empty()) {
      deferred_.wait();
      poll();
      give_back();
      grown = grow(bytes, owner);
    }
    if (!grown) return refuse(asked);
    take(bytes, owner, part);
  }
  for (MemoryFigures* figures : {&figures_, &own.figures}) {
    figures->live += part->second.bytes;
    figures->peak = std::max(figures->peak, figures->live);
  }
  note();
  return {reinterpret_cast<void*>(part->first), part->second.bytes};
}

// The smallest free part that is large enough; what is left over stays free.
bool DeviceMemory::take(uint64_t bytes, Owner owner, Parts::iterator& found) {
  const bool small = bytes <= kSmall;
  Free& free = free_[owner][small ? 0 : 1];
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

bool DeviceMemory::grow(uint64_t bytes, Owner owner) {
  const uint64_t size = segment_bytes(bytes);
  cg_address address = 0;
  if (reserved_ + size > driver_.capabilities.memory || size > driver_.capabilities.allocation) return false;
  if (driver_.allocate(driver_.self, size, &address) != 0) return false;
  reserved_ += size;
  pools_[owner.pool].figures.cached += size; // all of the pool's memory, until figures are asked for
  const Segment& segment = segments_[address] = {size, owner};
  parts_[address] = {size, address, true};
  free_of(segment).insert({size, address});
  return true;
}

void DeviceMemory::used(const void* pointer) {
  const auto address = reinterpret_cast<uint64_t>(pointer);
  std::lock_guard guard(lock_);
  const auto after = parts_.upper_bound(address);
  if (after == parts_.begin()) return;
  auto& [start, part] = *std::prev(after);
  if (address >= start + part.bytes) return;
  const int32_t stream = streams_.current();
  if (segments_[part.segment].owner.stream != stream) part.users |= uint64_t{1} << stream;
}

void DeviceMemory::deallocate(Block block) {
  std::lock_guard guard(lock_);
  const auto part = parts_.find(reinterpret_cast<uint64_t>(block.data));
  const size_t pool = segments_[part->second.segment].owner.pool;
  figures_.live -= part->second.bytes;
  pools_[pool].figures.live -= part->second.bytes;
  if (part->second.users == 0 || !deferred_.add(part->first, part->second.users)) put_back(part);
  if (pools_[pool].closed && pools_[pool].figures.live == 0) give_back(pool);
  note();
}

// Gives away again what other streams are done with.
void DeviceMemory::poll() {
  if (deferred_.empty()) return;
  std::set<size_t> closed;
  deferred_.poll([&](uint64_t address) {
    const auto part = parts_.find(address);
    const size_t pool = segments_[part->second.segment].owner.pool;
    put_back(part);
    if (pools_[pool].closed && pools_[pool].figures.live == 0) closed.insert(pool);
  });
  for (const size_t pool : closed) give_back(pool);
}

// Makes a part free, together with its free neighbours.
void DeviceMemory::put_back(Parts::iterator part) {
  const uint64_t segment = part->second.segment;
  Free& free = free_of(segments_[segment]);
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
  part->second.users = 0;
  free.insert({part->second.bytes, part->first});
}

template <class Wanted> void DeviceMemory::give_back_if(const Wanted& wanted) {
  for (auto at = segments_.begin(); at != segments_.end();) {
    const auto& [address, segment] = *at;
    const auto part = parts_.find(address);
    if (!wanted(segment) || !part->second.free || part->second.bytes != segment.bytes) {
      ++at;
      continue;
    }
    free_of(segment).erase({segment.bytes, address});
    parts_.erase(part);
    driver_.release(driver_.self, address);
    reserved_ -= segment.bytes;
    pools_[segment.owner.pool].figures.cached -= segment.bytes;
    at = segments_.erase(at);
  }
}

void DeviceMemory::give_back() {
  give_back_if([](const Segment&) { return true; });
}

void DeviceMemory::give_back(size_t pool) {
  give_back_if([pool](const Segment& segment) { return segment.owner.pool == pool; });
}

size_t DeviceMemory::open_pool() {
  std::lock_guard guard(lock_);
  pools_.emplace_back();
  return pools_.size() - 1;
}

MemoryFigures DeviceMemory::pool_figures(size_t pool) {
  std::lock_guard guard(lock_);
  MemoryFigures figures = pools_[pool].figures;
  figures.cached -= figures.live;
  return figures;
}

void DeviceMemory::close_pool(size_t pool) {
  std::lock_guard guard(lock_);
  pools_[pool].closed = true;
  poll();
  give_back(pool);
  note();
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
  poll();
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
  const auto& [start, segment] = *std::prev(after);
  return address < start + segment.bytes;
}

std::vector<Stretch> DeviceMemory::stretches() {
  std::lock_guard guard(lock_);
  std::vector<Stretch> all;
  for (const auto& [address, part] : parts_) all.push_back({address, part.bytes, part.segment, !part.free});
  return all;
}

} // namespace cg
