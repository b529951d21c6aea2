// Pooling: which element wins, what counts, where gradients go.
#include "check.h"
#include "structured.h"

#include <cmath>

namespace cg::test {

TEST("maxPool2d keeps the greatest element of each window and its place, in every layout") {
  for (Layout layout : kLayouts) {
    Tensor<float> x({1, 1, 4, 5}, layout), y({1, 1, 2, 2});
    Tensor<int64_t> places({1, 1, 2, 2});
    x.fill([](int64_t i) { return (i * 7) % 20; });
    CHECK(run("maxPool2d", {x.view()}, {y.view(), places.view()}, {2, 2, 2, 2, 0, 0, 1, 1}) == Status::kOk);
    for (int64_t i = 0; i < 4; ++i) CHECK(y.at(i) == x.at(places.at(i)));
    for (int64_t i = 0; i < 4; ++i)
      for (int64_t k = 0; k < 4; ++k) CHECK(y.at(i) >= x.at((i / 2 * 2 + k / 2) * 5 + i % 2 * 2 + k % 2));
  }
}

TEST("maxPool2d lets NaN win and padding lose") {
  Tensor<double> x = tensor<double>({1, 1, 2, 2}, {-5, NAN, -7, -3}), y({1, 1, 2, 2});
  Tensor<int64_t> places({1, 1, 2, 2});
  CHECK(run("maxPool2d", {x.view()}, {y.view(), places.view()}, {2, 2, 2, 2, 1, 1, 1, 1}) == Status::kOk);
  CHECK(y.at(0) == -5 && std::isnan(y.at(1)) && y.at(2) == -7 && y.at(3) == -3);
  CHECK(places.equals({0, 1, 2, 3}));
}

TEST("maxPool2d names the first of equal elements, -Infinity included") {
  Tensor<float> x({1, 1, 3, 3}), y({1, 1, 1, 1});
  Tensor<int64_t> places({1, 1, 1, 1});
  x.fill([](int64_t) { return -INFINITY; });
  CHECK(run("maxPool2d", {x.view()}, {y.view(), places.view()}, {3, 3, 3, 3, 0, 0, 1, 1}) == Status::kOk);
  CHECK(std::isinf(y.at(0)) && places.equals({0}));
}

TEST("maxPool2dBackward adds the gradients that meet in one place") {
  Tensor<float> g = tensor<float>({1, 1, 1, 3}, {1, 2, 4}), dx({1, 1, 2, 2});
  Tensor<int64_t> places = tensor<int64_t>({1, 1, 1, 3}, {3, 0, 3});
  CHECK(run("maxPool2dBackward", {g.view(), places.view()}, {dx.view()}) == Status::kOk);
  CHECK(dx.equals({2, 0, 0, 5}));
}

TEST("avgPool2d counts the padding only when asked to") {
  Tensor<float> x({1, 1, 2, 2}), y({1, 1, 2, 2});
  x.fill([](int64_t i) { return 4 * (i + 1); });
  CHECK(run("avgPool2d", {x.view()}, {y.view()}, {2, 2, 2, 2, 1, 1, 1, 0}) == Status::kOk);
  CHECK(y.equals({1, 2, 3, 4}));
  CHECK(run("avgPool2d", {x.view()}, {y.view()}, {2, 2, 2, 2, 1, 1, 0, 0}) == Status::kOk);
  CHECK(y.equals({4, 8, 12, 16}));
  CHECK(run("avgPool2d", {x.view()}, {y.view()}, {2, 2, 2, 2, 1, 1, 1, 8}) == Status::kOk);
  CHECK(y.equals({0.5, 1, 1.5, 2}));
}

TEST("avgPool2dBackward shares a gradient among the elements of its window") {
  Tensor<double> g = tensor<double>({1, 1, 1, 2}, {6, 12}), dx({1, 1, 2, 4});
  CHECK(run("avgPool2dBackward", {g.view()}, {dx.view()}, {2, 3, 2, 1, 0, 0, 1, 0}) == Status::kOk);
  CHECK(dx.equals({1, 3, 3, 2, 1, 3, 3, 2}));
}

} // namespace cg::test
