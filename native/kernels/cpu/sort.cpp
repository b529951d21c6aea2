// sort and topk along a dim, with indices. Equal elements keep their order; NaN is greatest.
#include <algorithm>
#include <atomic>
#include <utility>

#include "core/parallel.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/radix.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu {
namespace {

constexpr int64_t kChunk = 65536; // elements that one task takes

template <class T> using ItemOf = Item<KeyOf<T>>;

// At least n items, so that what follows them is 64-byte aligned too.
int64_t aligned(int64_t n) { return (n + 63) / 64 * 64; }

DType as_bytes(DType dtype) { return dtype == DType::kBool ? DType::kUInt8 : dtype; }

// Keys in the wanted order: inverted keys sort from the greatest down, and leave equal elements in order.
template <class T> KeyOf<T> ordered_key(T x, bool descending) { return descending ? ~to_key(x) : to_key(x); }

template <class T>
Status sort_line(const T* x, int64_t n, bool descending, T* values, int64_t* indices, ItemOf<T>* items) {
  Status status = parallel_for(0, n, kChunk, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) items[i] = {ordered_key(x[i], descending), static_cast<uint32_t>(i)};
  });
  ItemOf<T>* sorted = items;
  if (status == Status::kOk) status = radix_sort(items, items + aligned(n), n, sorted);
  if (status != Status::kOk) return status;
  return parallel_for(0, n, kChunk, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const T value = from_key<T>(descending ? ~sorted[i].key : sorted[i].key);
      values[i] = value == 0 ? x[sorted[i].index] : value; // a zero has its sign in the input
      indices[i] = sorted[i].index;
    }
  });
}

// The k first items of x[begin, end) in order of their keys, unordered; `kept` has room for 2k + kStep items.
constexpr int64_t kStep = 64;
template <class T> void select(const T* x, int64_t begin, int64_t end, bool largest, int64_t k, ItemOf<T>* kept) {
  using Key = KeyOf<T>;
  int64_t count = 0;
  Key bound = ~Key{0}; // once k are kept, only keys below the greatest of them matter
  bool full = false;
  const auto shrink = [&] {
    if (count <= k) return;
    std::nth_element(kept, kept + k - 1, kept + count);
    count = k;
    bound = kept[k - 1].key;
    full = true;
  };
  for (int64_t i = begin; i < end; i += kStep) {
    const int64_t n = std::min(kStep, end - i);
    Key keys[kStep];
    for (int64_t j = 0; j < n; ++j) keys[j] = ordered_key(x[i + j], largest);
    if (full) {
      int any = 0;
      for (int64_t j = 0; j < n; ++j) any |= keys[j] < bound;
      if (any == 0) continue;
    }
    for (int64_t j = 0; j < n; ++j)
      if (!full || keys[j] < bound) kept[count++] = {keys[j], static_cast<uint32_t>(i + j)};
    if (count >= 2 * k) shrink();
  }
  shrink();
}

constexpr int64_t kShortLine = 2048;
template <class T> using Numbered = std::pair<T, int64_t>;

template <class T> void select_short(const T* x, int64_t n, int64_t k, bool largest, Numbered<T>* items) {
  for (int64_t i = 0; i < n; ++i) items[i] = {x[i], i};
  const auto before = [largest](const Numbered<T>& a, const Numbered<T>& b) {
    const bool a_nan = a.first != a.first, b_nan = b.first != b.first;
    return largest ? (a_nan && !b_nan) || a.first > b.first : (!a_nan && b_nan) || a.first < b.first;
  };
  if (k * 64 <= n) return std::partial_sort(items, items + k, items + n, before);
  std::nth_element(items, items + k - 1, items + n, before);
  std::sort(items, items + k - 1, before);
}

} // namespace

Status sort(const Call& call) {
  const View& x = call.in[0];
  const int64_t dim = call.integer(0), n = line_length(x, dim);
  const bool descending = call.integer(1) != 0;
  return visit(as_bytes(x.dtype), Numeric{}, [&]<class T>() {
    std::atomic<Status> failed{Status::kOk};
    const Status status =
        for_lines(call, dim, 2 * aligned(n) * static_cast<int64_t>(sizeof(ItemOf<T>)), [&](const Line& line) {
          const Status sorted =
              sort_line(static_cast<const T*>(line.in[0]), n, descending, static_cast<T*>(line.out[0]),
                        static_cast<int64_t*>(line.out[1]), static_cast<ItemOf<T>*>(line.work));
          if (sorted != Status::kOk) failed = sorted;
        });
    return failed != Status::kOk ? failed.load() : status;
  });
}

// Each part of a line keeps its k first items, then the line keeps the k first of those. Of equal elements of a short
// line those are answered that PyTorch answers: the same algorithms over the same pairs.
Status topk(const Call& call) {
  const View& x = call.in[0];
  const int64_t dim = call.integer(0), n = line_length(x, dim), k = line_length(call.out[0], dim);
  if (k == 0) return Status::kOk;
  const bool largest = call.integer(1) != 0;
  const int64_t part = std::max(4 * kChunk, 8 * k), parts = (n + part - 1) / part, room = std::min(n, 2 * k) + kStep;
  return visit(as_bytes(x.dtype), Numeric{}, [&]<class T>() {
    if (n <= kShortLine)
      return for_lines(call, dim, n * static_cast<int64_t>(sizeof(Numbered<T>)), [&](const Line& line) {
        Numbered<T>* items = static_cast<Numbered<T>*>(line.work);
        select_short(static_cast<const T*>(line.in[0]), n, k, largest, items);
        for (int64_t i = 0; i < k; ++i) {
          static_cast<T*>(line.out[0])[i] = items[i].first;
          static_cast<int64_t*>(line.out[1])[i] = items[i].second;
        }
      });
    return for_lines(call, dim, parts * room * static_cast<int64_t>(sizeof(ItemOf<T>)), [&](const Line& line) {
      const T* from = static_cast<const T*>(line.in[0]);
      ItemOf<T>* items = static_cast<ItemOf<T>*>(line.work);
      const Status selected = parallel_for(0, n, part, [&](int64_t begin, int64_t end) {
        select(from, begin, end, largest, k, items + begin / part * room);
      });
      if (selected != Status::kOk) return;
      int64_t count = std::min(k, std::min(part, n));
      for (int64_t p = 1; p < parts; ++p) {
        const int64_t more = std::min(k, std::min(part, n - p * part));
        count = std::copy_n(items + p * room, more, items + count) - items;
      }
      if (count > k) std::nth_element(items, items + k - 1, items + count);
      std::sort(items, items + k);
      for (int64_t i = 0; i < k; ++i) {
        static_cast<T*>(line.out[0])[i] = from[items[i].index];
        static_cast<int64_t*>(line.out[1])[i] = items[i].index;
      }
    });
  });
}

} // namespace cg::cpu
