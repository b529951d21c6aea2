// Losses over classes: values, weights, ignored targets, smoothing and gradients.
#include "check.h"
#include "structured.h"

#include <cmath>

namespace cg::test {
namespace {

bool near(double a, double b) { return std::abs(a - b) <= 1e-12 * (1 + std::abs(b)); }

} // namespace

TEST("nllLoss weighs each row by the class of its target and skips the ignored") {
  Tensor<double> logp = tensor<double>({3, 2}, {-1, -2, -3, -4, -5, -6}), weight = tensor<double>({2}, {10, 100}),
                 loss({3}), w({3});
  Tensor<int64_t> target = tensor<int64_t>({3}, {1, -100, 0});
  CHECK(run("nllLoss", {logp.view(), target.view(), weight.view()}, {loss.view(), w.view()}, {-100, 1}) == Status::kOk);
  CHECK(loss.equals({200, 0, 50}) && w.equals({100, 0, 10}));
}

TEST("nllLossBackward writes only the target's class") {
  Tensor<float> g = tensor<float>({2}, {2, 3}), dx({2, 3});
  Tensor<int64_t> target = tensor<int64_t>({2}, {2, 0});
  CHECK(run("nllLossBackward", {g.view(), target.view()}, {dx.view()}, {0, 0}) == Status::kOk);
  CHECK(dx.equals({0, 0, -2, 0, 0, 0})); // the second target is ignored
}

TEST("a target that is no class is refused with its value and the number of classes") {
  Tensor<float> logits({2, 3}), loss({2}), w({2}), logp({2, 3});
  for (double wrong : {3.0, -1.0}) {
    Tensor<int64_t> target = tensor<int64_t>({2}, {0, wrong});
    CHECK(run("crossEntropy", {logits.view(), target.view()}, {loss.view(), w.view(), logp.view()}, {-100, 0, 0}) ==
          Status::kIndexOutOfRange);
    CHECK(last_failure().detail[0] == wrong && last_failure().detail[1] == 3);
    CHECK(run("nllLoss", {logits.view(), target.view()}, {loss.view(), w.view()}, {-100, 0}) ==
          Status::kIndexOutOfRange);
  }
}

TEST("crossEntropy survives logits that overflow exp") {
  Tensor<float> logits = tensor<float>({1, 3}, {1000, 1000, -1000}), loss({1}), w({1}), logp({1, 3});
  Tensor<int64_t> target = tensor<int64_t>({1}, {0});
  CHECK(run("crossEntropy", {logits.view(), target.view()}, {loss.view(), w.view(), logp.view()}, {-100, 0, 0}) ==
        Status::kOk);
  CHECK(std::abs(loss.at(0) - std::log(2.0f)) < 1e-6f);
}

TEST("crossEntropy and its gradient follow the definition, with weights and smoothing, for any number of classes") {
  const double smoothing = 0.1;
  for (int64_t classes : {1, 5, 16, 37})
    for (Layout layout : kLayouts) {
      const int64_t rows = 4;
      Tensor<double> x({rows, classes}, layout), weight({classes}, layout), g({rows}, layout), loss({rows}), w({rows});
      Tensor<double> logp({rows, classes}), dx({rows, classes});
      Tensor<int64_t> target({rows}, layout);
      x.fill([](int64_t i) { return std::sin(static_cast<double>(i)) * 3; });
      weight.fill([](int64_t i) { return 1 + static_cast<double>(i % 3); });
      g.fill([](int64_t i) { return static_cast<double>(i) - 1.5; });
      target.fill([&](int64_t i) { return i % classes; });
      CHECK(run("crossEntropy", {x.view(), target.view(), weight.view()}, {loss.view(), w.view(), logp.view()},
                {-100, 1, smoothing}) == Status::kOk);
      CHECK(run("crossEntropyBackward", {g.view(), logp.view(), target.view(), weight.view()}, {dx.view()},
                {-100, 1, smoothing}) == Status::kOk);
      for (int64_t i = 0; i < rows; ++i) {
        double sum = 0, spread = 0, weights = 0;
        for (int64_t c = 0; c < classes; ++c) sum += std::exp(x.at(i * classes + c)), weights += weight.at(c);
        const auto log_p = [&](int64_t c) { return x.at(i * classes + c) - std::log(sum); };
        for (int64_t c = 0; c < classes; ++c) spread -= weight.at(c) * log_p(c);
        const int64_t t = target.at(i);
        const double hit = (1 - smoothing) * weight.at(t), share = smoothing / static_cast<double>(classes);
        CHECK(near(loss.at(i), -hit * log_p(t) + share * spread));
        for (int64_t c = 0; c < classes; ++c) {
          const double p = std::exp(log_p(c));
          CHECK(near(logp.at(i * classes + c), log_p(c)));
          CHECK(near(dx.at(i * classes + c),
                     g.at(i) * (hit * (p - (c == t ? 1 : 0)) + share * (p * weights - weight.at(c)))));
        }
      }
    }
}

} // namespace cg::test
