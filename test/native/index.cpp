// Reading, writing and moving by index: what lands where, in which order, and what is refused.
#include "check.h"
#include "structured.h"

namespace cg::test {
namespace {

// x[i] = i in a 3 x 4 matrix of any layout.
template <class T> Tensor<T> counting(Layout layout, std::vector<int64_t> sizes = {3, 4}) {
  Tensor<T> x(std::move(sizes), layout);
  x.fill([](int64_t i) { return i; });
  return x;
}

Tensor<int64_t> places(std::vector<int64_t> sizes, std::vector<double> values) {
  return tensor<int64_t>(std::move(sizes), std::move(values));
}

} // namespace

TEST("gather reads along a dim in every layout") {
  for (Layout layout : kLayouts) {
    Tensor<float> x = counting<float>(layout), y({2, 3});
    Tensor<int64_t> index = places({2, 3}, {0, 2, 1, 2, 0, 0});
    CHECK(run("gather", {x.view(), index.view()}, {y.view()}, {0}) == Status::kOk);
    CHECK(y.equals({0, 9, 6, 8, 1, 2}));
    CHECK(run("gather", {x.view(), index.view()}, {y.view()}, {1}) == Status::kOk);
    CHECK(y.equals({0, 2, 1, 6, 4, 4}));
  }
}

TEST("an index out of range is refused with its value and the size, and nothing is written") {
  Tensor<float> x = counting<float>(Layout::kContiguous), y({1, 4});
  for (double wrong : {3.0, -4.0}) {
    Tensor<int64_t> index = places({1}, {wrong});
    CHECK(run("indexSelect", {x.view(), index.view()}, {y.view()}, {0}) == Status::kIndexOutOfRange);
    CHECK(last_failure().detail[0] == wrong && last_failure().detail[1] == 3);
    CHECK(run("indexAdd", {index.view(), y.view()}, {x.view()}, {0, 1}) == Status::kIndexOutOfRange);
    CHECK(run("indexPut", {index.view(), y.view()}, {x.view()}, {0}) == Status::kIndexOutOfRange);
    CHECK(run("embedding", {x.view(), index.view()}, {y.view()}) == Status::kIndexOutOfRange);
  }
  CHECK(x.equals({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
}

TEST("indexSelect copies whole rows or columns of every element size, and refuses a negative index") {
  const auto check = [&]<class T>(T) {
    for (Layout layout : kLayouts) {
      Tensor<T> x = counting<T>(layout), rows({2, 4}), cols({3, 2});
      Tensor<int64_t> index = places({2}, {2, 1}), negative = places({2}, {-1, 1});
      CHECK(run("indexSelect", {x.view(), negative.view()}, {rows.view()}, {0}) == Status::kIndexOutOfRange);
      CHECK(run("indexSelect", {x.view(), index.view()}, {rows.view()}, {0}) == Status::kOk);
      CHECK(rows.equals({8, 9, 10, 11, 4, 5, 6, 7}));
      CHECK(run("indexSelect", {x.view(), index.view()}, {cols.view()}, {1}) == Status::kOk);
      CHECK(cols.equals({2, 1, 6, 5, 10, 9}));
    }
  };
  check(int8_t{}), check(int16_t{}), check(float{}), check(double{});
}

TEST("index combines several index tensors and keeps the remaining dims") {
  for (Layout layout : kLayouts) {
    Tensor<float> x = counting<float>(layout, {2, 3, 2}), y({2, 2, 2});
    Tensor<int64_t> first = places({2, 2}, {0, 1, -1, 0}), second = places({2, 2}, {2, 0, 1, -3});
    CHECK(run("index", {x.view(), first.view(), second.view()}, {y.view()}) == Status::kOk);
    CHECK(y.equals({4, 5, 6, 7, 8, 9, 0, 1}));
  }
}

TEST("scatter sets, adds and multiplies into any layout") {
  for (Layout layout : kLayouts) {
    Tensor<int64_t> index = places({2, 2}, {0, 2, 0, 1});
    Tensor<float> src = tensor<float>({2, 2}, {10, 20, 30, 40});
    for (int mode : {0, 1, 2}) {
      Tensor<float> self = counting<float>(layout, {3, 2});
      CHECK(run("scatter", {index.view(), src.view()}, {self.view()}, {0, static_cast<double>(mode)}) == Status::kOk);
      if (mode == 0) CHECK(self.equals({30, 1, 2, 40, 4, 20}));
      if (mode == 1) CHECK(self.equals({40, 1, 2, 43, 4, 25}));
      if (mode == 2) CHECK(self.equals({0, 1, 2, 120, 4, 100}));
    }
  }
}

TEST("scatterValue writes one value") {
  Tensor<int32_t> self = counting<int32_t>(Layout::kReversed, {2, 3});
  Tensor<int64_t> index = places({2, 1}, {2, 0});
  CHECK(run("scatterValue", {index.view()}, {self.view()}, {1, -7, 0}) == Status::kOk);
  CHECK(self.equals({0, 1, -7, -7, 4, 5}));
}

TEST("indexAdd adds the rows that meet in one place") {
  for (Layout layout : kLayouts) {
    Tensor<double> self({2, 3}, layout), src = counting<double>(layout, {3, 3});
    Tensor<int64_t> index = places({3}, {1, 0, 1});
    CHECK(run("indexAdd", {index.view(), src.view()}, {self.view()}, {0, 2}) == Status::kOk);
    CHECK(self.equals({6, 8, 10, 12, 16, 20}));
  }
}

TEST("indexPut accumulates in order and repeats a broadcast value") {
  Tensor<float> self({3, 2}), one = tensor<float>({}, {5});
  Tensor<int64_t> index = places({3}, {0, 2, 0});
  View values = one.view();
  values.rank = 2;
  values.sizes[0] = 3, values.sizes[1] = 2, values.numel = 6;
  CHECK(run("indexPut", {index.view(), values}, {self.view()}, {1}) == Status::kOk);
  CHECK(self.equals({10, 10, 0, 0, 5, 5}));
}

TEST("adding by a long index gives the same bits on one thread and on four") {
  const int64_t n = 50'000, width = 40;
  Tensor<float> src({n, width}), one({7, width}), four({7, width});
  Tensor<int64_t> index({n});
  src.fill([](int64_t i) { return 1.0 / static_cast<double>(i + 1); });
  index.fill([](int64_t i) { return i * i % 7; });
  const int threads = thread_count();
  set_thread_count(1);
  CHECK(run("indexAdd", {index.view(), src.view()}, {one.view()}, {0, 1}) == Status::kOk);
  set_thread_count(4);
  CHECK(run("indexAdd", {index.view(), src.view()}, {four.view()}, {0, 1}) == Status::kOk);
  CHECK(std::memcmp(one.view().data, four.view().data, sizeof(float) * 7 * width) == 0);
  CHECK(run("embeddingBackward", {src.view(), index.view()}, {four.view()}, {-1}) == Status::kOk);
  set_thread_count(threads);
  CHECK(std::memcmp(one.view().data, four.view().data, sizeof(float) * 7 * width) == 0);
}

TEST("embeddingBackward writes every row and leaves the padding row 0") {
  Tensor<float> g = counting<float>(Layout::kReversed, {4, 2}), dw({3, 2});
  Tensor<int64_t> index = places({4}, {1, 2, 1, 2});
  CHECK(run("embeddingBackward", {g.view(), index.view()}, {dw.view()}, {2}) == Status::kOk);
  CHECK(dw.equals({0, 0, 4, 6, 0, 0}));
}

TEST("maskedSelect and its gradient keep row-major order across chunks") {
  const int64_t n = 40'000;
  Tensor<double> x = counting<double>(Layout::kStepped, {n}), y({n / 4}), dx({n});
  Tensor<bool> mask({n});
  mask.fill([](int64_t i) { return i % 4 == 1; });
  CHECK(run("maskedSelect", {x.view(), mask.view()}, {y.view()}) == Status::kOk);
  CHECK(run("maskedScatterBackward", {y.view(), mask.view()}, {dx.view()}) == Status::kOk);
  bool right = true;
  for (int64_t i = 0; i < n / 4; ++i) right &= y.at(i) == static_cast<double>(4 * i + 1);
  for (int64_t i = 0; i < n; ++i) right &= dx.at(i) == (i % 4 == 1 ? static_cast<double>(i) : 0);
  CHECK(right);
}

TEST("nonzero counts NaN but not -0") {
  Tensor<float> x = tensor<float>({2, 3}, {0, -0.0, 2, __builtin_nan(""), 0, -1});
  Tensor<int64_t> y({3, 2});
  CHECK(run("nonzero", {x.view()}, {y.view()}) == Status::kOk);
  CHECK(y.equals({0, 2, 1, 0, 1, 2}));
}

TEST("cat joins any layouts and skips what is empty") {
  Tensor<float> a = counting<float>(Layout::kReversed, {2, 1}), b = counting<float>(Layout::kStepped, {2, 2}),
                nothing({0}), y({2, 3});
  CHECK(run("cat", {a.view(), nothing.view(), b.view()}, {y.view()}, {1}) == Status::kOk);
  CHECK(y.equals({0, 0, 1, 1, 2, 3}));
}

TEST("flip turns the dims of its mask") {
  for (Layout layout : kLayouts) {
    Tensor<int16_t> x = counting<int16_t>(layout, {2, 3}), y({2, 3});
    CHECK(run("flip", {x.view()}, {y.view()}, {1}) == Status::kOk);
    CHECK(y.equals({3, 4, 5, 0, 1, 2}));
    CHECK(run("flip", {x.view()}, {y.view()}, {3}) == Status::kOk);
    CHECK(y.equals({5, 4, 3, 2, 1, 0}));
  }
}

TEST("tril and triu cut every matrix at its diagonal") {
  for (Layout layout : kLayouts) {
    Tensor<float> x({1, 3, 3}, layout), y({1, 3, 3});
    x.fill([](int64_t i) { return i + 1; });
    CHECK(run("tril", {x.view()}, {y.view()}, {0}) == Status::kOk);
    CHECK(y.equals({1, 0, 0, 4, 5, 0, 7, 8, 9}));
    CHECK(run("triu", {x.view()}, {y.view()}, {1}) == Status::kOk);
    CHECK(y.equals({0, 2, 3, 0, 0, 6, 0, 0, 0}));
    CHECK(run("tril", {x.view()}, {y.view()}, {-9}) == Status::kOk);
    CHECK(y.equals({0, 0, 0, 0, 0, 0, 0, 0, 0}));
  }
}

TEST("unfoldBackward adds overlapping windows") {
  for (Layout layout : kLayouts) {
    Tensor<float> g({2, 3, 2}, layout), dx({2, 4}); // windows of 2, step 1, along the last dim
    g.fill([](int64_t i) { return i + 1; });
    CHECK(run("unfoldBackward", {g.view()}, {dx.view()}, {1, 2, 1}) == Status::kOk);
    CHECK(dx.equals({1, 5, 9, 6, 7, 17, 21, 12}));
  }
}

} // namespace cg::test
