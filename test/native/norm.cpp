// Layer and batch normalisation: forward against the definition, gradients against finite differences.
#include "check.h"
#include "structured.h"

#include <cmath>

namespace cg::test {
namespace {

double wave(int64_t i) { return std::sin(static_cast<double>(i * i % 1009)) + 2; }

// The sum of y * g, whose derivatives are what a gradient kernel gives for g.
double weighted(Tensor<double>& y, Tensor<double>& g) {
  double sum = 0;
  for (int64_t i = 0; i < y.numel(); ++i) sum += y.at(i) * g.at(i);
  return sum;
}

// Compares `gradient` with central differences of `value()` in the elements of x.
template <class Fn> bool slopes_agree(Tensor<double>& x, Tensor<double>& gradient, const Fn& value) {
  constexpr double kStep = 1e-5;
  bool agree = true;
  for (int64_t i = 0; i < x.numel(); ++i) {
    const double saved = x.at(i);
    x.at(i) = saved + kStep;
    const double above = value();
    x.at(i) = saved - kStep;
    const double below = value();
    x.at(i) = saved;
    agree = agree && std::abs((above - below) / (2 * kStep) - gradient.at(i)) < 1e-6;
  }
  return agree;
}

} // namespace

TEST("layerNorm centres and scales each row, in every layout, with and without weight and bias") {
  for (Layout layout : kLayouts)
    for (int flags : {0, 1, 2, 3}) {
      Tensor<float> x({4, 3, 50}, layout), w({3, 50}), b({3, 50}), y({4, 3, 50}), mean({4}), rstd({4});
      x.fill(wave);
      w.fill([](int64_t i) { return wave(i + 3); });
      b.fill([](int64_t i) { return wave(i + 5); });
      std::vector<View> in = {x.view()};
      if (flags & 1) in.push_back(w.view());
      if (flags & 2) in.push_back(b.view());
      const double features = 150, eps = 1e-5;
      CHECK(run("layerNorm", in, {y.view(), mean.view(), rstd.view()}, {features, eps, static_cast<double>(flags)}) ==
            Status::kOk);
      double worst = 0;
      for (int64_t row = 0; row < 4; ++row) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < 150; ++i) sum += x.at(row * 150 + i);
        for (int64_t i = 0; i < 150; ++i) squares += std::pow(x.at(row * 150 + i) - sum / features, 2);
        for (int64_t i = 0; i < 150; ++i) {
          const double h = (x.at(row * 150 + i) - sum / features) / std::sqrt(squares / features + eps);
          worst = std::max(worst,
                           std::abs(y.at(row * 150 + i) - h * (flags & 1 ? w.at(i) : 1) - (flags & 2 ? b.at(i) : 0)));
        }
      }
      CHECK(worst < 1e-5);
    }
}

TEST("layerNormBackward is the slope of layerNorm") {
  Tensor<double> x({3, 5}), w({5}), g({3, 5}), y({3, 5}), mean({3}), rstd({3}), dx({3, 5}), dw({5}), db({5});
  x.fill(wave);
  w.fill([](int64_t i) { return wave(i + 3); });
  g.fill([](int64_t i) { return wave(i + 5) - 2; });
  const auto value = [&] {
    run("layerNorm", {x.view(), w.view()}, {y.view(), mean.view(), rstd.view()}, {5, 1e-5, 1});
    return weighted(y, g);
  };
  value();
  run("layerNormBackward", {g.view(), x.view(), mean.view(), rstd.view(), w.view()}, {dx.view(), dw.view(), db.view()},
      {5, 1});
  CHECK(slopes_agree(x, dx, value) && slopes_agree(w, dw, value));
  for (int64_t j = 0; j < 5; ++j) CHECK(std::abs(db.at(j) - g.at(j) - g.at(5 + j) - g.at(10 + j)) < 1e-12);
}

TEST("batchNorm and its gradient agree with finite differences, for images and for rows") {
  for (const std::vector<int64_t>& sizes : {std::vector<int64_t>{3, 2, 2, 3}, {6, 3}}) {
    const std::vector<int64_t> channels = {sizes[1]};
    for (Layout layout : kLayouts) {
      Tensor<double> x(sizes, layout), g(sizes, layout), y(sizes), dx(sizes), w(channels), b(channels), mean(channels),
          rstd(channels), var(channels), dw(channels), db(channels);
      x.fill(wave);
      w.fill([](int64_t i) { return wave(i + 3); });
      b.fill([](int64_t i) { return wave(i + 4); });
      g.fill([](int64_t i) { return wave(i + 5) - 2; });
      const auto training = [&] {
        run("batchNorm", {x.view(), w.view(), b.view()}, {y.view(), mean.view(), rstd.view(), var.view()}, {1e-3, 3});
        return weighted(y, g);
      };
      training();
      for (int64_t c = 0; c < sizes[1]; ++c) CHECK(std::abs(1 / std::sqrt(var.at(c) + 1e-3) - rstd.at(c)) < 1e-9);
      run("batchNormBackward", {g.view(), x.view(), mean.view(), rstd.view(), w.view()},
          {dx.view(), dw.view(), db.view()}, {1, 1});
      CHECK(slopes_agree(x, dx, training) && slopes_agree(w, dw, training) && slopes_agree(b, db, training));

      training();
      const auto evaluating = [&] {
        run("batchNormEval", {x.view(), mean.view(), var.view(), w.view(), b.view()}, {y.view()}, {1e-3, 3});
        return weighted(y, g);
      };
      run("batchNormBackward", {g.view(), x.view(), mean.view(), rstd.view(), w.view()},
          {dx.view(), dw.view(), db.view()}, {0, 1});
      CHECK(slopes_agree(x, dx, evaluating) && slopes_agree(w, dw, evaluating));
    }
  }
}

} // namespace cg::test
