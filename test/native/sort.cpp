// Order: sorting is stable and puts NaN last, selection agrees with sorting.
// Creation by formula.
#include "check.h"
#include "structured.h"

#include "kernels/cpu/order.h"

#include <cmath>

namespace cg::test {
namespace {

template <class T> bool before(T a, T b) { return a < b || (b != b && a == a); }

// x sorted by std::stable_sort along its only dim, as indices.
template <class T> std::vector<int64_t> sorted_indices(Tensor<T>& x, bool descending) {
  std::vector<int64_t> indices(static_cast<size_t>(x.numel()));
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = static_cast<int64_t>(i);
  std::stable_sort(indices.begin(), indices.end(), [&](int64_t a, int64_t b) {
    return descending ? before(x.at(b), x.at(a)) : before(x.at(a), x.at(b));
  });
  return indices;
}

template <class T> void check_sort(int64_t n) {
  for (Layout layout : {Layout::kContiguous, Layout::kStepped})
    for (bool descending : {false, true}) {
      Tensor<T> x({n}, layout), values({n});
      Tensor<int64_t> indices({n});
      x.fill([](int64_t i) { return (i * 7919 % 10007 - 5000) % 2999; });
      if constexpr (std::is_floating_point_v<T>) {
        x.at(n / 2) = NAN;
        x.at(n / 3) = -INFINITY;
        x.at(n / 4) = T{-0.0};
        x.at(n / 5) = T{0};
      }
      CHECK(run("sort", {x.view()}, {values.view(), indices.view()}, {0, static_cast<double>(descending), 1}) ==
            Status::kOk);
      const std::vector<int64_t> expected = sorted_indices(x, descending);
      bool same = true;
      for (int64_t i = 0; i < n; ++i) {
        const T a = values.at(i), b = x.at(indices.at(i));
        same = same && indices.at(i) == expected[static_cast<size_t>(i)] &&
               (a == b ? std::signbit(a) == std::signbit(b) : a != a && b != b);
      }
      CHECK(same);

      const int64_t k = n / 7 + 1;
      Tensor<T> best({k});
      Tensor<int64_t> places({k});
      CHECK(run("topk", {x.view()}, {best.view(), places.view()}, {0, static_cast<double>(descending), 1}) ==
            Status::kOk);
      // Of equal elements, short lines answer those that PyTorch does, which need not be the first.
      const auto key = [](T value) { return std::pair(value != value, value == value ? value : T{}); };
      std::vector<int64_t> seen;
      same = true;
      for (int64_t i = 0; i < k; ++i) {
        const int64_t wanted = expected[static_cast<size_t>(i)], found = places.at(i);
        same = same && (n > 2048 ? found == wanted : key(x.at(found)) == key(x.at(wanted))) &&
               key(best.at(i)) == key(x.at(found));
        seen.push_back(found);
      }
      std::sort(seen.begin(), seen.end());
      CHECK(same && std::adjacent_find(seen.begin(), seen.end()) == seen.end());
    }
}

// intro_sort leaves equal elements where std::sort does, which PyTorch's mode
// shows.
void check_intro_sort(int64_t n, int64_t distinct) {
  using Pair = std::pair<int64_t, int64_t>;
  const auto less = [](const Pair& a, const Pair& b) { return a.first < b.first; };
  std::vector<Pair> items(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) items[static_cast<size_t>(i)] = {i * 7919 % 10007 % distinct, i};
  std::vector<Pair> expected = items;
  cpu::intro_sort(items.data(), n, less);
#ifdef __GLIBCXX__
  std::sort(expected.begin(), expected.end(), less);
  CHECK(items == expected);
#endif
  CHECK(std::is_sorted(items.begin(), items.end(), less));
}

} // namespace

TEST("sort is stable and topk agrees with it, for every kind of number and "
     "size") {
  for (int64_t n : {1, 5, 200, 3000}) {
    check_sort<float>(n);
    check_sort<double>(n);
    check_sort<int8_t>(n);
    check_sort<int64_t>(n);
    check_sort<uint8_t>(n);
  }
  check_sort<float>(300000); // several chunks, written past the caches
  check_sort<int64_t>(300000);
}

TEST("sort works along any dim") {
  for (Layout layout : kLayouts) {
    Tensor<int32_t> x({3, 2}, layout), values({3, 2});
    Tensor<int64_t> indices({3, 2});
    const int data[] = {5, 1, 3, 9, 4, 2};
    x.fill([&](int64_t i) { return data[i]; });
    run("sort", {x.view()}, {values.view(), indices.view()}, {0, 0, 1});
    CHECK(values.equals({3, 1, 4, 2, 5, 9}) && indices.equals({1, 0, 2, 2, 0, 1}));
  }
}

TEST("arange, linspace and eye follow their formulas to the last element") {
  Tensor<int64_t> whole({4});
  run("arange", {}, {whole.view()}, {5, -2});
  CHECK(whole.equals({5, 3, 1, -1}));
  Tensor<float> tenths({11});
  run("linspace", {}, {tenths.view()}, {0, 1});
  CHECK(tenths.at(0) == 0 && tenths.at(5) == 0.5f && tenths.at(10) == 1 && tenths.at(7) == 0.7f);
  Tensor<bool> unit({2, 3});
  run("eye", {}, {unit.view()});
  CHECK(unit.equals({1, 0, 0, 0, 1, 0}));
}

TEST("a sort that can be cancelled leaves equal elements where std::sort does") {
  for (int64_t n : {1, 2, 16, 17, 1000, 50000})
    for (int64_t distinct : {1, 3, 10007}) check_intro_sort(n, distinct);
}

} // namespace cg::test
