// Convolution and its gradients against the definition.
#include "check.h"
#include "structured.h"

#include <cmath>

namespace cg::test {
namespace {

struct Shape {
  int64_t images, in, out, height, width, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w,
      groups;

  int64_t out_h() const { return (height + 2 * pad_h - dilation_h * (kernel_h - 1) - 1) / stride_h + 1; }
  int64_t out_w() const { return (width + 2 * pad_w - dilation_w * (kernel_w - 1) - 1) / stride_w + 1; }
  std::vector<double> attributes() const {
    std::vector<double> list;
    for (int64_t value : {stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups})
      list.push_back(static_cast<double>(value));
    return list;
  }

  // Calls fn(output, input, weight) with the numbers of the elements that meet.
  template <class Fn> void for_products(const Fn& fn) const {
    const int64_t in_group = in / groups, out_group = out / groups;
    for (int64_t y = 0; y < images * out * out_h() * out_w(); ++y) {
      const int64_t j = y % out_w(), i = y / out_w() % out_h(), o = y / out_w() / out_h() % out,
                    n = y / out_w() / out_h() / out;
      for (int64_t t = 0; t < in_group * kernel_h * kernel_w; ++t) {
        const int64_t b = t % kernel_w, a = t / kernel_w % kernel_h, c = t / kernel_w / kernel_h;
        const int64_t h = i * stride_h - pad_h + a * dilation_h, w = j * stride_w - pad_w + b * dilation_w;
        if (h < 0 || h >= height || w < 0 || w >= width) continue;
        fn(y, ((n * in + o / out_group * in_group + c) * height + h) * width + w,
           o * in_group * kernel_h * kernel_w + t);
      }
    }
  }
};

constexpr Shape kShapes[] = {
    {2, 3, 5, 9, 11, 3, 3, 1, 1, 1, 1, 1, 1, 1},   // the usual one
    {1, 20, 30, 6, 40, 3, 3, 1, 1, 0, 0, 1, 1, 1}, // more taps than one block of k, rows wider than a tile
    {3, 4, 6, 8, 8, 3, 2, 2, 3, 2, 1, 1, 1, 2},    // strides, groups, an even kernel
    {2, 6, 6, 10, 7, 3, 3, 1, 1, 2, 2, 2, 2, 6},   // depthwise, dilated
    {2, 5, 17, 5, 6, 1, 1, 1, 1, 0, 0, 1, 1, 1},   // a product of matrices
    {1, 3, 8, 12, 12, 4, 4, 4, 4, 0, 0, 1, 1, 1},  // patches
    {2, 2, 3, 4, 5, 1, 1, 2, 2, 0, 0, 1, 1, 1},    // outputs that some inputs never reach
    {1, 1, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1},    // one place
    {0, 2, 3, 4, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1},    // no image
};

template <class T> void check_shape(const Shape& s, Layout layout) {
  const std::vector<int64_t> x_sizes{s.images, s.in, s.height, s.width}, y_sizes{s.images, s.out, s.out_h(), s.out_w()};
  const std::vector<int64_t> w_sizes{s.out, s.in / s.groups, s.kernel_h, s.kernel_w};
  Tensor<T> x(x_sizes, layout), w(w_sizes, layout), g(y_sizes, layout), bias({s.out}, layout);
  x.fill_small(1), w.fill_small(2), g.fill_small(3), bias.fill_small(4);
  Tensor<T> y(y_sizes), dx(x_sizes), dw(w_sizes), y_wanted(y_sizes), dx_wanted(x_sizes), dw_wanted(w_sizes);
  y_wanted.fill([&](int64_t i) { return bias.at(i / (s.out_h() * s.out_w()) % s.out); });
  s.for_products([&](int64_t out, int64_t in, int64_t weight) {
    y_wanted.at(out) += x.at(in) * w.at(weight);
    dx_wanted.at(in) += g.at(out) * w.at(weight);
    dw_wanted.at(weight) += g.at(out) * x.at(in);
  });
  auto with_bias = s.attributes();
  with_bias.push_back(1);
  CHECK(run("conv2d", {x.view(), w.view(), bias.view()}, {y.view()}, with_bias) == Status::kOk);
  CHECK(run("conv2dBackwardInput", {g.view(), w.view()}, {dx.view()}, s.attributes()) == Status::kOk);
  CHECK(run("conv2dBackwardWeight", {g.view(), x.view()}, {dw.view()}, s.attributes()) == Status::kOk);
  for (int64_t i = 0; i < y.numel(); ++i) CHECK(y.at(i) == y_wanted.at(i));
  for (int64_t i = 0; i < dx.numel(); ++i) CHECK(dx.at(i) == dx_wanted.at(i));
  for (int64_t i = 0; i < dw.numel(); ++i) CHECK(dw.at(i) == dw_wanted.at(i));
}

} // namespace

TEST("conv2d and its gradients follow the definition for every stride, padding, dilation and grouping") {
  for (const Shape& shape : kShapes)
    for (Layout layout : kLayouts) {
      check_shape<float>(shape, layout);
      check_shape<double>(shape, layout);
    }
}

TEST("the weight gradient of conv2d gives the same bits on one thread and on four") {
  const Shape s{16, 8, 16, 20, 20, 3, 3, 1, 1, 1, 1, 1, 1, 1};
  Tensor<float> g({16, 16, 20, 20}), x({16, 8, 20, 20}), one({16, 8, 3, 3}), four({16, 8, 3, 3});
  g.fill([](int64_t i) { return std::sin(static_cast<double>(i)); });
  x.fill([](int64_t i) { return std::cos(static_cast<double>(i)); });
  const int threads = thread_count();
  set_thread_count(1);
  CHECK(run("conv2dBackwardWeight", {g.view(), x.view()}, {one.view()}, s.attributes()) == Status::kOk);
  set_thread_count(4);
  CHECK(run("conv2dBackwardWeight", {g.view(), x.view()}, {four.view()}, s.attributes()) == Status::kOk);
  set_thread_count(threads);
  CHECK(std::memcmp(one.view().data, four.view().data, sizeof(float) * 16 * 8 * 9) == 0);
}

TEST("conv2d refuses integers") {
  Tensor<int32_t> x({1, 1, 3, 3}), w({1, 1, 1, 1}), y({1, 1, 3, 3});
  CHECK(run("conv2d", {x.view(), w.view()}, {y.view()}, {1, 1, 0, 0, 1, 1, 1, 0}) == Status::kUnsupportedDType);
}

} // namespace cg::test
