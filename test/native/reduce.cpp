// Reductions: every mask and layout against a plain loop; accuracy, NaN, empty inputs, independence of the threads.
#include "check.h"
#include "structured.h"

#include <cmath>

#include "core/parallel.h"

namespace cg::test {
namespace {

// Calls fn(element, output index) for every element of x under the mask of reduced dims.
template <class T, class Fn> void for_outputs(Tensor<T>& x, unsigned mask, const Fn& fn) {
  const View view = x.view();
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t rest = i, output = 0, stride = 1;
    for (int d = view.rank - 1; d >= 0; rest /= view.sizes[d--]) {
      if (mask >> d & 1) continue;
      output += rest % view.sizes[d] * stride;
      stride *= view.sizes[d];
    }
    fn(x.at(i), output);
  }
}

std::vector<int64_t> kept_sizes(const View& view, unsigned mask) {
  std::vector<int64_t> sizes;
  for (int d = 0; d < view.rank; ++d)
    if (!(mask >> d & 1)) sizes.push_back(view.sizes[d]);
  return sizes;
}

template <class In, class Out> void check_sums(std::vector<int64_t> sizes) {
  for (Layout layout : kLayouts)
    for (unsigned mask = 0; mask < 1u << sizes.size(); ++mask) {
      Tensor<In> x(sizes, layout);
      x.fill_small(mask + 1);
      Tensor<Out> y(kept_sizes(x.view(), mask)), expected(kept_sizes(x.view(), mask));
      expected.fill([](int64_t) { return 0; });
      for_outputs(x, mask, [&](In value, int64_t output) { expected.at(output) += static_cast<Out>(value); });
      CHECK(run("sum", {x.view()}, {y.view()}, {static_cast<double>(mask)}) == Status::kOk);
      bool same = true;
      for (int64_t i = 0; i < y.numel(); ++i) same = same && y.at(i) == expected.at(i);
      CHECK(same);
    }
}

} // namespace

TEST("sum is right for every mask, layout and dtype") {
  check_sums<float, float>({3, 5, 70});
  check_sums<double, double>({70, 2, 3});
  check_sums<float, double>({4, 1, 9});
  check_sums<bool, int64_t>({6, 40, 3});
  check_sums<int8_t, int64_t>({2, 3, 300});
  check_sums<int64_t, int64_t>({33, 65});
  check_sums<int32_t, float>({7, 7});
}

TEST("sum of float32 stays within a few units of rounding over four million elements") {
  Tensor<float> x({1 << 22}), y({});
  x.fill([](int64_t i) { return 0.1f + static_cast<float>(i % 3); });
  double expected = 0;
  for (int64_t i = 0; i < x.numel(); ++i) expected += static_cast<double>(x.at(i));
  run("sum", {x.view()}, {y.view()}, {1});
  CHECK(std::abs(y.at(0) - expected) <= 4e-7 * expected);
}

TEST("reductions give the same bits on every thread count") {
  Tensor<float> x({300, 1000}), once({300}), again({300}), total({}), total_again({});
  x.fill([](int64_t i) { return std::sin(static_cast<double>(i)); });
  const int threads = thread_count();
  set_thread_count(1);
  run("sum", {x.view()}, {once.view()}, {2});
  run("sum", {x.view()}, {total.view()}, {3});
  set_thread_count(4);
  run("sum", {x.view()}, {again.view()}, {2});
  run("sum", {x.view()}, {total_again.view()}, {3});
  set_thread_count(threads);
  for (int64_t i = 0; i < 300; ++i) CHECK(once.at(i) == again.at(i));
  CHECK(total.at(0) == total_again.at(0));
}

TEST("empty reductions give the neutral element, and mean gives NaN") {
  Tensor<float> x({3, 0}), y({3});
  for (const auto& [kernel, expected] : {std::pair{"sum", 0.0}, {"prod", 1.0}}) {
    CHECK(run(kernel, {x.view()}, {y.view()}, {2}) == Status::kOk);
    CHECK(y.equals({expected, expected, expected}));
  }
  run("mean", {x.view()}, {y.view()}, {2});
  CHECK(std::isnan(y.at(0)));
  Tensor<bool> all({3});
  run("all", {x.view()}, {all.view()}, {2});
  CHECK(all.equals({1, 1, 1}));
}

TEST("amax and amin let NaN win, any counts it as true") {
  Tensor<float> x = tensor<float>({2, 3}, {1, NAN, 3, -INFINITY, 0, 2}), y({2});
  run("amax", {x.view()}, {y.view()}, {2});
  CHECK(std::isnan(y.at(0)) && y.at(1) == 2);
  run("amin", {x.view()}, {y.view()}, {2});
  CHECK(std::isnan(y.at(0)) && y.at(1) == -INFINITY);
  Tensor<double> nan = tensor<double>({1}, {NAN});
  Tensor<bool> any({});
  run("any", {nan.view()}, {any.view()}, {1});
  CHECK(any.at(0));
}

TEST("argmax names the first greatest element in logical order, or the first NaN, in every layout") {
  for (Layout layout : kLayouts) {
    Tensor<int32_t> x({3, 4}, layout);
    x.fill([](int64_t i) { return i == 5 || i == 9 || i == 10 ? 7 : i % 3; });
    Tensor<int64_t> y({}), rows({3}), columns({4});
    run("argmax", {x.view()}, {y.view()}, {-1});
    CHECK(y.equals({5}));
    run("argmax", {x.view()}, {rows.view()}, {1});
    CHECK(rows.equals({2, 1, 1}));
    run("argmin", {x.view()}, {columns.view()}, {0});
    CHECK(columns.equals({0, 0, 1, 0}));
  }
  Tensor<float> x({1000}), value({});
  x.fill([](int64_t i) { return i == 700 || i == 800 ? NAN : static_cast<double>(i); });
  Tensor<int64_t> place({});
  run("maxDim", {x.view()}, {value.view(), place.view()}, {0});
  CHECK(std::isnan(value.at(0)) && place.at(0) == 700);
}

TEST("varMean does not cancel where the mean is large, along rows and columns") {
  Tensor<float> x({512, 300}), var({512}), mean({512}), column_var({300}), column_mean({300});
  x.fill([](int64_t i) { return 1e4 + i % 2; });
  run("varMean", {x.view()}, {var.view(), mean.view()}, {2, 0});
  CHECK(std::abs(var.at(7) - 0.25f) < 1e-6f && mean.at(7) == 10000.5f);
  x.fill([](int64_t i) { return 1e4 + i / 300 % 2; });
  run("varMean", {x.view()}, {column_var.view(), column_mean.view()}, {1, 1});
  CHECK(std::abs(column_var.at(7) - 128.0f / 511) < 1e-6f && column_mean.at(7) == 10000.5f);
  Tensor<float> one({1}), a({}), b({});
  run("varMean", {one.view()}, {a.view(), b.view()}, {1, 1});
  CHECK(std::isnan(a.at(0)));
}

TEST("vectorNorm knows every p, and squares neither overflow nor vanish") {
  Tensor<float> x = tensor<float>({3}, {3, 0, -4}), y({});
  const auto norm = [&](double p) {
    run("vectorNorm", {x.view()}, {y.view()}, {1, p});
    return y.at(0);
  };
  CHECK(norm(2) == 5 && norm(1) == 7 && norm(0) == 2 && norm(INFINITY) == 4 && norm(-INFINITY) == 0);
  CHECK(std::abs(norm(3) - std::cbrt(91.0)) < 1e-6);
  x.fill([](int64_t) { return 1e30; });
  CHECK(std::abs(norm(2) / (1e30 * std::sqrt(3.0)) - 1) < 1e-6);
}

TEST("logsumexp is finite for large numbers and keeps infinities") {
  Tensor<double> x = tensor<double>({3, 2}, {1000, 1000, -INFINITY, -INFINITY, INFINITY, 1}), y({3});
  run("logsumexp", {x.view()}, {y.view()}, {2});
  CHECK(std::abs(y.at(0) - 1000 - std::log(2.0)) < 1e-12 && y.at(1) == -INFINITY && y.at(2) == INFINITY);
}

TEST("cumsum and cumprod run along any dim and add small integers in int64") {
  for (Layout layout : kLayouts) {
    Tensor<int8_t> x({2, 3}, layout);
    x.fill([](int64_t i) { return 100 + i; });
    Tensor<int64_t> y({2, 3});
    run("cumsum", {x.view()}, {y.view()}, {1});
    CHECK(y.equals({100, 201, 303, 103, 207, 312}));
    run("cumprod", {x.view()}, {y.view()}, {0});
    CHECK(y.equals({100, 101, 102, 10300, 10504, 10710}));
  }
}

} // namespace cg::test
