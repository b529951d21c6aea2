// Radix sort from the least significant byte: a byte a pass, counted and scattered by fixed chunks in parallel.
#include "kernels/cpu/radix.h"

#include <algorithm>
#include <utility>

#include "core/parallel.h"
#include "kernels/cpu/copy.h"

namespace cg::cpu {
namespace {

constexpr int64_t kDigits = 256;
constexpr int64_t kFew = 256;          // up to here comparing is faster
constexpr int64_t kLeastChunk = 65536; // items
constexpr int64_t kMostChunks = 64;
constexpr int64_t kInCache = 1 << 20; // bytes of items

// Sends items to the places of their digits. When they outgrow the L2 cache, a cache line a digit is collected and
// written past the caches, because reading each line before writing it costs three times as much.
template <class Key> class Scatter {
public:
  Scatter(Item<Key>* to, uint32_t* next, unsigned shift) : to_(to), next_(next), shift_(shift) {}

  void directly(const Item<Key>* from, int64_t n) {
    for (int64_t i = 0; i < n; ++i) to_[next_[digit(from[i])]++] = from[i];
  }
  void by_lines(const Item<Key>* from, int64_t n) {
    alignas(64) Item<Key> lines[kDigits * kItems];
    uint32_t start[kDigits];
    std::copy_n(next_, kDigits, start);
    for (int64_t i = 0; i < n; ++i) {
      const uint32_t d = digit(from[i]), place = next_[d]++, slot = place % kItems;
      lines[d * kItems + slot] = from[i];
      if (slot != kItems - 1) continue;
      if (place - slot >= start[d])
        stream(to_ + (place - slot), lines + d * kItems, 64);
      else
        std::copy(lines + d * kItems + start[d] % kItems, lines + (d + 1) * kItems, to_ + start[d]);
    }
    for (uint32_t d = 0; d < kDigits; ++d) {
      const uint32_t end = next_[d], first = std::max(start[d], end - end % kItems);
      std::copy(lines + d * kItems + first % kItems, lines + d * kItems + first % kItems + (end - first), to_ + first);
    }
  }

private:
  static constexpr uint32_t kItems = 64 / sizeof(Item<Key>); // of a cache line
  uint32_t digit(const Item<Key>& item) const { return item.key >> shift_ & (kDigits - 1); }

  Item<Key>* to_;
  uint32_t* next_;
  unsigned shift_;
};

template <class Key> Status sort_items(Item<Key>* items, Item<Key>* spare, int64_t n, Item<Key>*& sorted) {
  sorted = items;
  if (n <= kFew) {
    std::sort(items, items + n);
    return Status::kOk;
  }
  const int64_t chunk = std::max(kLeastChunk, (n + kMostChunks - 1) / kMostChunks), chunks = (n + chunk - 1) / chunk;
  const Scratch counts(static_cast<size_t>(chunks * kDigits) * sizeof(uint32_t));
  if (!counts.ok()) return Status::kOutOfMemory;

  Key differing = 0;
  for (int64_t i = 1; i < n; ++i) differing |= items[i].key ^ items[0].key;

  for (unsigned shift = 0; shift < sizeof(Key) * 8; shift += 8) {
    if ((differing >> shift & 0xff) == 0) continue;
    const Item<Key>* from = sorted;
    Item<Key>* to = sorted == items ? spare : items;
    Status status = parallel_for(0, n, chunk, [&](int64_t begin, int64_t end) {
      uint32_t* count = counts.as<uint32_t>() + begin / chunk * kDigits;
      std::fill_n(count, kDigits, 0u);
      for (int64_t i = begin; i < end; ++i) ++count[from[i].key >> shift & 0xff];
    });
    if (status != Status::kOk) return status;
    // Counts become the places where each chunk writes its items of each digit.
    uint32_t place = 0;
    for (int64_t digit = 0; digit < kDigits; ++digit)
      for (int64_t c = 0; c < chunks; ++c) {
        uint32_t& count = counts.as<uint32_t>()[c * kDigits + digit];
        place += std::exchange(count, place);
      }
    status = parallel_for(0, n, chunk, [&](int64_t begin, int64_t end) {
      Scatter<Key> scatter(to, counts.as<uint32_t>() + begin / chunk * kDigits, shift);
      if (n * static_cast<int64_t>(sizeof(Item<Key>)) > kInCache)
        scatter.by_lines(from + begin, end - begin);
      else
        scatter.directly(from + begin, end - begin);
    });
    if (status != Status::kOk) return status;
    sorted = to;
  }
  return Status::kOk;
}

} // namespace

Status radix_sort(Item<uint32_t>* items, Item<uint32_t>* spare, int64_t n, Item<uint32_t>*& sorted) {
  return sort_items(items, spare, n, sorted);
}
Status radix_sort(Item<uint64_t>* items, Item<uint64_t>* spare, int64_t n, Item<uint64_t>*& sorted) {
  return sort_items(items, spare, n, sorted);
}

} // namespace cg::cpu
