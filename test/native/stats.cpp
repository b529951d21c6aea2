// What views ask of a tensor: summary, histogram, thumbnail.
#include "check.h"
#include "structured.h"

#include <cmath>

namespace cg::test {

TEST("stats describes the finite values and counts the others") {
  for (Layout layout : kLayouts) {
    Tensor<float> x({2, 4}, layout);
    const float values[] = {1, INFINITY, 0, NAN, 3, -INFINITY, NAN, 4};
    x.fill([&](int64_t i) { return values[i]; });
    Tensor<double> y({9});
    CHECK(run("stats", {x.view()}, {y.view()}) == Status::kOk);
    CHECK(y.equals({0, 4, 2, 10, 2, 1, 1, 1, 3}));
  }
}

TEST("stats of integers is exact, and of nothing finite is NaN") {
  Tensor<int64_t> x({5000});
  x.fill([](int64_t i) { return i % 2 == 0 ? -1 : 1; });
  Tensor<double> y({9});
  run("stats", {x.view()}, {y.view()});
  CHECK(y.equals({-1, 1, 0, 5000, 0, 0, 0, 0, -1}));
  Tensor<float> none = tensor<float>({1}, {INFINITY});
  run("stats", {none.view()}, {y.view()});
  CHECK(std::isnan(y.at(0)) && std::isnan(y.at(2)) && y.at(3) == 0 && y.at(5) == 1);
}

TEST("histogram closes its last bin and leaves out what is outside or not finite") {
  Tensor<double> x = tensor<double>({9}, {0, 0.5, 1, 1.5, 2, 2.5, -1, NAN, INFINITY});
  Tensor<int64_t> y({2});
  run("histogram", {x.view()}, {y.view()}, {0, 2});
  CHECK(y.equals({2, 3}));
}

TEST("thumbnail shows the extreme of each box and flags what is not finite") {
  for (Layout layout : kLayouts) {
    Tensor<float> x({4, 6}, layout), values({2, 2});
    x.fill([](int64_t i) { return i == 3 ? NAN : i == 12 ? -INFINITY : i == 23 ? -100 : static_cast<double>(i); });
    Tensor<uint8_t> flags({2, 2});
    run("thumbnail", {x.view()}, {values.view(), flags.view()}, {0, 0});
    CHECK(values.equals({8, 11, 20, -100}) && flags.equals({0, 1, 4, 0}));
    run("thumbnail", {x.view()}, {values.view(), flags.view()}, {0, 1});
    CHECK(values.at(0) == 4 && std::abs(values.at(1) - 39.0f / 5) < 1e-6f);
  }
}

} // namespace cg::test
