// Matrix products against three plain loops.
#include "check.h"
#include "structured.h"

#include <cmath>

namespace cg::test {
namespace {

template <class T> bool matches_plain_loops(int64_t m, int64_t n, int64_t k, Layout left, Layout right) {
  Tensor<T> a({m, k}, left), b({k, n}, right), y({m, n});
  a.fill_small(1);
  b.fill_small(2);
  if (run("matmul", {a.view(), b.view()}, {y.view()}) != Status::kOk) return false;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      T sum{};
      for (int64_t p = 0; p < k; ++p) sum = static_cast<T>(sum + a.at(i * k + p) * b.at(p * n + j));
      if (y.at(i * n + j) != sum) return false;
    }
  return true;
}

template <class T> void check_shapes() {
  for (int64_t m : {0, 1, 5, 14, 29, 120})
    for (int64_t n : {0, 1, 7, 32, 67, 140})
      for (int64_t k : {0, 1, 6, 17, 400})
        for (Layout left : kLayouts)
          for (Layout right : kLayouts) CHECK(matches_plain_loops<T>(m, n, k, left, right));
}

} // namespace

TEST("matmul of float32 equals plain loops in every layout") { check_shapes<float>(); }
TEST("matmul of float64 equals plain loops in every layout") { check_shapes<double>(); }
TEST("matmul of integers wraps as their types do") {
  check_shapes<uint8_t>();
  check_shapes<int64_t>();
  CHECK(matches_plain_loops<int8_t>(9, 70, 33, Layout::kReversed, Layout::kContiguous));
  CHECK(matches_plain_loops<int16_t>(9, 70, 33, Layout::kStepped, Layout::kReversed));
  CHECK(matches_plain_loops<int32_t>(60, 70, 33, Layout::kContiguous, Layout::kReversed));
}
TEST("matmul refuses bool") {
  Tensor<bool> a({2, 2}), y({2, 2});
  CHECK(run("matmul", {a.view(), a.view()}, {y.view()}) == Status::kUnsupportedDType);
}

TEST("matmul repeats a batch of one without copying it") {
  Tensor<float> a({3, 4, 5}), b({1, 5, 6}, Layout::kReversed), y({3, 4, 6});
  a.fill_small(3);
  b.fill_small(4);
  CHECK(run("matmul", {a.view(), b.view()}, {y.view()}) == Status::kOk);
  for (int64_t i = 0; i < 12; ++i)
    for (int64_t j = 0; j < 6; ++j) {
      float sum = 0;
      for (int64_t p = 0; p < 5; ++p) sum += a.at(i * 5 + p) * b.at(p * 6 + j);
      CHECK(y.at(i * 6 + j) == sum);
    }
}

TEST("matmul gives the same bits on one thread and on four") {
  Tensor<float> a({300, 500}), b({500, 200}), one({300, 200}), four({300, 200});
  a.fill([](int64_t i) { return std::sin(static_cast<double>(i)); });
  b.fill([](int64_t i) { return std::cos(static_cast<double>(i)); });
  const int threads = thread_count();
  set_thread_count(1);
  CHECK(run("matmul", {a.view(), b.view()}, {one.view()}) == Status::kOk);
  set_thread_count(4);
  CHECK(run("matmul", {a.view(), b.view()}, {four.view()}) == Status::kOk);
  set_thread_count(threads);
  CHECK(std::memcmp(one.view().data, four.view().data, sizeof(float) * 300 * 200) == 0);
}

TEST("addmm with beta 0 does not read c") {
  Tensor<float> c({3}), a({2, 4}), b({4, 3}), y({2, 3});
  c.fill([](int64_t) { return NAN; });
  a.fill([](int64_t) { return 1; });
  b.fill([](int64_t) { return 2; });
  CHECK(run("addmm", {c.view(), a.view(), b.view()}, {y.view()}, {0, 1}) == Status::kOk);
  CHECK(y.equals({8, 8, 8, 8, 8, 8}));
}

TEST("addmm scales a row that is added to every row") {
  Tensor<float> c = tensor<float>({3}, {1, 2, 3}), a({2, 4}), b({4, 3}), y({2, 3});
  a.fill([](int64_t) { return 1; });
  b.fill([](int64_t) { return 2; });
  CHECK(run("addmm", {c.view(), a.view(), b.view()}, {y.view()}, {10, 0.5}) == Status::kOk);
  CHECK(y.equals({14, 24, 34, 14, 24, 34}));
}

TEST("linear adds its bias to rows of any layout") {
  for (Layout layout : kLayouts) {
    Tensor<double> x({2, 3, 2}, layout), w = tensor<double>({2, 2}, {1, 10, 100, 1000}), b({2}, layout), y({2, 3, 2});
    x.fill([](int64_t i) { return i; });
    b.fill([](int64_t i) { return 0.5 + static_cast<double>(i); });
    CHECK(run("linear", {x.view(), w.view(), b.view()}, {y.view()}, {1}) == Status::kOk);
    CHECK(y.equals({10.5, 1001.5, 32.5, 3201.5, 54.5, 5401.5, 76.5, 7601.5, 98.5, 9801.5, 120.5, 12001.5}));
  }
}

TEST("dot of nothing is 0") {
  Tensor<int32_t> a({0}), y({});
  y.at(0) = 7;
  CHECK(run("dot", {a.view(), a.view()}, {y.view()}) == Status::kOk);
  CHECK(y.equals({0}));
}

TEST("dot sums every product once across chunks") {
  Tensor<double> a({100'001}, Layout::kStepped), b({100'001}), y({});
  a.fill([](int64_t i) { return i % 5; });
  b.fill([](int64_t) { return 1; });
  CHECK(run("dot", {a.view(), b.view()}, {y.view()}) == Status::kOk);
  CHECK(y.equals({200'000}));
}

} // namespace cg::test
