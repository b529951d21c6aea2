// Tensors that a formula fills: arange, linspace, eye.
#include <algorithm>

#include "core/parallel.h"
#include "core/view.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu {
namespace {

constexpr int64_t kChunk = 65536; // elements that one task takes

template <class T> Status fill_by_index(const View& y, auto value) {
  T* to = y.as<T>();
  return parallel_for(0, y.numel, kChunk, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = static_cast<T>(value(i));
  });
}

} // namespace

Status arange(const Call& call) {
  const View& y = call.out[0];
  const double start = call.attr[0], step = call.attr[1];
  return visit(y.dtype, AllTypes{}, [&]<class T>() -> Status {
    if constexpr (std::is_floating_point_v<T>)
      return fill_by_index<T>(y, [=](int64_t i) { return start + static_cast<double>(i) * step; });
    const int64_t first = static_cast<int64_t>(start), stride = static_cast<int64_t>(step);
    return fill_by_index<T>(y, [=](int64_t i) { return first + i * stride; });
  });
}

// The second half counts back from the end, so that the end is exact and the result symmetric, as in PyTorch.
Status linspace(const Call& call) {
  const View& y = call.out[0];
  const double start = call.attr[0], end = call.attr[1];
  const int64_t n = y.numel;
  const double step = n > 1 ? (end - start) / static_cast<double>(n - 1) : 0;
  return visit(y.dtype, AllTypes{}, [&]<class T>() {
    return fill_by_index<T>(y, [=](int64_t i) {
      return i < n / 2 || n == 1 ? start + static_cast<double>(i) * step : end - static_cast<double>(n - 1 - i) * step;
    });
  });
}

Status eye(const Call& call) {
  const View& y = call.out[0];
  const int64_t rows = y.sizes[0], columns = y.sizes[1];
  return visit(y.dtype, AllTypes{}, [&]<class T>() {
    return parallel_for(0, rows, std::max<int64_t>(1, kChunk / std::max<int64_t>(1, columns)),
                        [&](int64_t begin, int64_t end) {
                          T* to = y.as<T>();
                          std::fill(to + begin * columns, to + end * columns, T{0});
                          for (int64_t i = begin; i < std::min(end, columns); ++i) to[i * columns + i] = T{1};
                        });
  });
}

} // namespace cg::cpu
