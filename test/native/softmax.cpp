// softmax, logSoftmax and their gradients against float64 loops, along every dim and layout.
#include "check.h"
#include "structured.h"

#include <cmath>

namespace cg::test {
namespace {

// Lines along `dim` of a tensor of these sizes: the row-major number of element i of line l.
struct LinesOf {
  int64_t length, inner, count;
  LinesOf(const std::vector<int64_t>& sizes, size_t dim) : length(sizes[dim]), inner(1), count(1) {
    for (size_t d = 0; d < sizes.size(); ++d) {
      if (d > dim) inner *= sizes[d];
      if (d != dim) count *= sizes[d];
    }
  }
  int64_t at(int64_t line, int64_t i) const { return (line / inner * length + i) * inner + line % inner; }
};

double wave(int64_t i) { return 3 * std::sin(static_cast<double>(i * i % 1009)); }

} // namespace

TEST("softmax and its gradient agree with a float64 loop along every dim") {
  const std::vector<int64_t> sizes = {3, 70, 5};
  for (Layout layout : kLayouts)
    for (size_t dim = 0; dim < sizes.size(); ++dim) {
      Tensor<float> x(sizes, layout), g(sizes, layout), y(sizes), logs(sizes), dx(sizes), dlogs(sizes);
      x.fill(wave);
      g.fill([](int64_t i) { return wave(i + 7); });
      const std::vector<double> attr = {static_cast<double>(dim)};
      CHECK(run("softmax", {x.view()}, {y.view()}, attr) == Status::kOk);
      CHECK(run("logSoftmax", {x.view()}, {logs.view()}, attr) == Status::kOk);
      CHECK(run("softmaxBackward", {g.view(), y.view()}, {dx.view()}, attr) == Status::kOk);
      CHECK(run("logSoftmaxBackward", {g.view(), logs.view()}, {dlogs.view()}, attr) == Status::kOk);
      const LinesOf lines(sizes, dim);
      double worst = 0;
      for (int64_t l = 0; l < lines.count; ++l) {
        double sum = 0, dot = 0, gradient = 0;
        for (int64_t i = 0; i < lines.length; ++i) sum += std::exp(static_cast<double>(x.at(lines.at(l, i))));
        const auto p = [&](int64_t i) { return std::exp(static_cast<double>(x.at(lines.at(l, i)))) / sum; };
        for (int64_t i = 0; i < lines.length; ++i) {
          dot += p(i) * g.at(lines.at(l, i));
          gradient += g.at(lines.at(l, i));
        }
        for (int64_t i = 0; i < lines.length; ++i) {
          const int64_t at = lines.at(l, i);
          const double errors[] = {y.at(at) - p(i), logs.at(at) - std::log(p(i)), dx.at(at) - p(i) * (g.at(at) - dot),
                                   dlogs.at(at) - (g.at(at) - p(i) * gradient)};
          for (double error : errors) worst = std::max(worst, std::abs(error));
        }
      }
      CHECK(worst < 2e-5); // float32 sums of 70 terms of size 3
    }
}

TEST("softmax survives large numbers and gives masked elements zero") {
  Tensor<float> x = tensor<float>({1, 3}, {1e5f, 1e5f, -INFINITY}), y({1, 3});
  run("softmax", {x.view()}, {y.view()}, {1});
  CHECK(y.equals({0.5, 0.5, 0}));
  x.fill([](int64_t) { return -INFINITY; });
  run("softmax", {x.view()}, {y.view()}, {1});
  CHECK(std::isnan(y.at(0)));
}

TEST("softmax of a 0-d tensor is 1, and of an empty one is empty") {
  Tensor<float> x({}), y({}), none({0, 3}), empty({0, 3});
  run("softmax", {x.view()}, {y.view()}, {0});
  CHECK(y.at(0) == 1);
  CHECK(run("softmax", {none.view()}, {empty.view()}, {1}) == Status::kOk);
  CHECK(run("softmax", {none.view()}, {empty.view()}, {0}) == Status::kOk);
}

} // namespace cg::test
