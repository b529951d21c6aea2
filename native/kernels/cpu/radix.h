// Stable sorting of numbers with their positions: keys are unsigned integers in the order of the numbers, NaN greatest.
#pragma once
#include <bit>
#include <cstdint>
#include <type_traits>

#include "core/status.h"

namespace cg::cpu {

template <class T> using KeyOf = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

// Equal numbers have equal keys: -0 becomes 0, every NaN the same NaN.
template <class T> KeyOf<T> to_key(T x) {
  using Key = KeyOf<T>;
  using Signed = std::make_signed_t<Key>;
  constexpr Key kSign = Key{1} << (sizeof(Key) * 8 - 1);
  if constexpr (std::is_floating_point_v<T>) {
    constexpr Key kNaN = sizeof(T) == 4 ? Key{0x7fc00000} : static_cast<Key>(0x7ff8000000000000);
    const Key magnitude = x == 0 ? 0 : std::bit_cast<Key>(x);
    const Key bits = x != x ? kNaN : magnitude;
    return bits ^ (static_cast<Key>(static_cast<Signed>(bits) >> (sizeof(Key) * 8 - 1)) | kSign); // negative: all bits
  }
  return static_cast<Key>(static_cast<Signed>(x)) ^ kSign;
}
template <class T> T from_key(KeyOf<T> key) {
  using Key = KeyOf<T>;
  constexpr Key kSign = Key{1} << (sizeof(Key) * 8 - 1);
  if constexpr (std::is_floating_point_v<T>) return std::bit_cast<T>((key & kSign) != 0 ? key ^ kSign : ~key);
  return static_cast<T>(key ^ kSign);
}

template <class Key> struct Item {
  Key key;
  uint32_t index;
  friend bool operator<(const Item& a, const Item& b) { return a.key != b.key ? a.key < b.key : a.index < b.index; }
};

// Sorts n items whose indices ascend; `spare` has room for n more; both are 64-byte aligned. `sorted` becomes the one
// of the two that holds the result.
Status radix_sort(Item<uint32_t>* items, Item<uint32_t>* spare, int64_t n, Item<uint32_t>*& sorted);
Status radix_sort(Item<uint64_t>* items, Item<uint64_t>* spare, int64_t n, Item<uint64_t>*& sorted);

} // namespace cg::cpu
