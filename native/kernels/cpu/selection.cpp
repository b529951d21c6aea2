// The k-th element, medians and modes along a dim. Where elements are equal, the place answered is PyTorch's: the same
// selections in the same order.
#include <algorithm>
#include <numeric>
#include <utility>

#include "core/parallel.h"
#include "kernels/cpu/lines.h"
#include "kernels/cpu/order.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu {
namespace {

DType as_bytes(DType dtype) { return dtype == DType::kBool ? DType::kUInt8 : dtype; }

template <class T> bool is_nan(T x) { return x != x; }
template <class T> bool above(T a, T b) { return (is_nan(a) && !is_nan(b)) || a > b; }

template <class T> using Pair = std::pair<T, int64_t>;

template <class T> bool pair_below(const Pair<T>& a, const Pair<T>& b) { return above(b.first, a.first); }

template <class T> void number(const T* x, int64_t n, Pair<T>* items) {
  in_turn(n, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) items[i] = {x[i], i};
  });
}

template <class T> int64_t median_of(const T* x, int64_t n, bool ignore_nan, int64_t* places) {
  std::iota(places, places + n, int64_t{0});
  int64_t count = n;
  for (int64_t i = 0; i < n; ++i) {
    if (!is_nan(x[i])) continue;
    if (!ignore_nan) return i;
    --count;
  }
  const int64_t k = std::max<int64_t>(0, (count - 1) / 2);
  select_nth(places, n, k, [=](int64_t i, int64_t j) { return above(x[j], x[i]) || (!above(x[i], x[j]) && i < j); });
  return places[k];
}

template <class T> int64_t mode_of(const T* x, int64_t n, Pair<T>* items) {
  number(x, n, items);
  intro_sort(items, n, pair_below<T>);
  int64_t place = items[0].second, most = 0, run = 0;
  for (int64_t i = 0; i < n; ++i) {
    ++run;
    if (i + 1 < n && items[i].first == items[i + 1].first) continue;
    if (run > most) most = run, place = items[i].second;
    run = 0;
  }
  return place;
}

// Answers one place of each line, found by pick(line's elements, work).
template <class Work, class Pick> Status pick_lines(const Call& call, const Pick& pick) {
  const View& x = call.in[0];
  const int64_t dim = call.integer(0), n = line_length(x, dim);
  return visit(as_bytes(x.dtype), Numeric{}, [&]<class T>() {
    using Item = std::conditional_t<std::is_void_v<Work>, Pair<T>, int64_t>;
    return for_lines(call, dim, n * static_cast<int64_t>(sizeof(Item)), [&](const Line& line) {
      const T* from = static_cast<const T*>(line.in[0]);
      const int64_t place = pick(from, n, static_cast<Item*>(line.work));
      *static_cast<T*>(line.out[0]) = from[place];
      *static_cast<int64_t*>(line.out[1]) = place;
    });
  });
}

} // namespace

Status kthvalue(const Call& call) {
  const int64_t k = call.integer(1) - 1;
  return pick_lines<void>(call, [=]<class T>(const T* x, int64_t n, Pair<T>* items) {
    number(x, n, items);
    select_nth(items, n, k, pair_below<T>);
    return items[k].second;
  });
}

Status median(const Call& call) {
  const bool ignore_nan = call.integer(1) != 0;
  return pick_lines<int64_t>(
      call, [=]<class T>(const T* x, int64_t n, int64_t* places) { return median_of(x, n, ignore_nan, places); });
}

Status mode(const Call& call) {
  return pick_lines<void>(call, []<class T>(const T* x, int64_t n, Pair<T>* items) { return mode_of(x, n, items); });
}

} // namespace cg::cpu
