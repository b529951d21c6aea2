// Maximum and average over windows of images. A tap of the window is handled for a whole row of outputs at once, which
// vectorises.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "core/parallel.h"
#include "core/view.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

int64_t ceil_div(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); }

// Windows along one dim.
struct Windows {
  int64_t size, kernel, stride, pad, dilation, outputs;

  int64_t input(int64_t output, int64_t tap) const { return output * stride - pad + tap * dilation; }
  bool inside(int64_t output, int64_t tap) const { return input(output, tap) >= 0 && input(output, tap) < size; }
  // The first tap inside the image.
  int64_t first_tap(int64_t output) const { return std::max<int64_t>(0, ceil_div(pad - output * stride, dilation)); }
  // The outputs first..last whose tap is inside the image.
  int64_t first(int64_t tap) const { return std::clamp<int64_t>(ceil_div(pad - tap * dilation, stride), 0, outputs); }
  int64_t last(int64_t tap) const {
    return std::clamp<int64_t>(ceil_div(size + pad - tap * dilation, stride), first(tap), outputs);
  }
};

struct Pooling {
  Windows h, w;
  int64_t planes, channels; // N * C, C

  int64_t row_work() const { return std::max<int64_t>(1, w.outputs * h.kernel * w.kernel); }
  int64_t row_grain() const { return std::max<int64_t>(1, 32'768 / row_work()); }
  int64_t plane_grain() const { return std::max<int64_t>(1, 32'768 / (row_work() * std::max<int64_t>(1, h.outputs))); }
};

// `image` and `pooled` are the full and the reduced side, whichever is input.
Pooling pooling(const Call& call, const View& image, const View& pooled, bool dilated) {
  const auto windows = [&](int d) {
    return Windows{image.sizes[2 + d],
                   call.integer(d),
                   call.integer(2 + d),
                   call.integer(4 + d),
                   dilated ? call.integer(6 + d) : 1,
                   pooled.sizes[2 + d]};
  };
  return {windows(0), windows(1), image.sizes[0] * image.sizes[1], image.sizes[1]};
}

template <class T> const T* plane_of(const View& x, int64_t plane) {
  return x.as<const T>() + plane / x.sizes[1] * x.strides[0] + plane % x.sizes[1] * x.strides[1];
}

constexpr int64_t kBlock = 256; // outputs that are found together: several rows of a small image

template <class T>
constexpr T kLeast =
    std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();

// The outputs first..first + count of one plane, in row-major order.
template <class T> class MaxBlock {
public:
  // As wide as the values, for the vectoriser.
  using Tap = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;

  MaxBlock(const Pooling& pool, int64_t first, int64_t count) : h_(pool.h), w_(pool.w), first_(first), count_(count) {}

  void run(const T* plane, int64_t row, int64_t col, const int64_t* tap_offsets, T* y, int64_t* indices) {
    start();
    for (int64_t a = 0; a < h_.kernel; ++a)
      for (int64_t b = 0; b < w_.kernel; ++b) {
        if (col == 1 && w_.stride == 1)
          stage(plane, row, col, a, b, [](const T* x, int64_t j) { return x[j]; });
        else if (col == 1 && w_.stride == 2)
          stage(plane, row, col, a, b, [](const T* x, int64_t j) { return x[2 * j]; });
        else
          stage(plane, row, col, a, b, [step = w_.stride * col](const T* x, int64_t j) { return x[j * step]; });
        keep_greater(static_cast<Tap>(a * w_.kernel + b));
      }
    std::copy_n(best_, count_, y);
    for_rows([&](int64_t at, int64_t i, int64_t j, int64_t n) {
      const int64_t base = h_.input(i, 0) * w_.size + w_.input(j, 0);
      for (int64_t k = 0; k < n; ++k) indices[at + k] = base + k * w_.stride + tap_offsets[winner_[at + k]];
    });
  }

private:
  // Calls fn(at, i, j, n): the outputs at..at + n of the block are (i, j)..(i, j + n).
  template <class Fn> CG_INLINE void for_rows(const Fn& fn) const {
    int64_t i = first_ / w_.outputs, j = first_ % w_.outputs;
    for (int64_t at = 0; at < count_; ++i, j = 0) {
      const int64_t n = std::min(w_.outputs - j, count_ - at);
      fn(at, i, j, n);
      at += n;
    }
  }

  // Nothing beats the first tap inside the image but a greater value or a NaN.
  void start() {
    std::fill_n(best_, count_, kLeast<T>);
    for_rows([&](int64_t at, int64_t i, int64_t j, int64_t n) {
      const int64_t top = h_.first_tap(i) * w_.kernel;
      for (int64_t k = 0; k < n; ++k) winner_[at + k] = static_cast<Tap>(top + w_.first_tap(j + k));
    });
  }

  // values_ becomes what the tap (a, b) meets; padding never wins.
  template <class Load>
  CG_INLINE void stage(const T* plane, int64_t row, int64_t col, int64_t a, int64_t b, const Load& load) {
    const int64_t begin = w_.first(b), end = w_.last(b);
    for_rows([&](int64_t at, int64_t i, int64_t j, int64_t n) {
      const int64_t from = h_.inside(i, a) ? std::clamp(begin - j, int64_t{0}, n) : n,
                    to = std::clamp(end - j, from, n);
      T* values = values_ + at;
      std::fill(values, values + from, kLeast<T>);
      const T* x = plane + h_.input(i, a) * row + w_.input(j, b) * col;
      for (int64_t k = from; k < to; ++k) values[k] = load(x, k);
      std::fill(values + to, values + n, kLeast<T>);
    });
  }

  void keep_greater(Tap tap) {
    for (int64_t k = 0; k < count_; ++k) {
      const bool wins = (values_[k] > best_[k]) | (values_[k] != values_[k]);
      best_[k] = wins ? values_[k] : best_[k];
      winner_[k] = wins ? tap : winner_[k];
    }
  }

  const Windows &h_, &w_;
  int64_t first_, count_;
  T best_[kBlock], values_[kBlock];
  Tap winner_[kBlock];
};

template <class T> Status max_pool(const Call& call) {
  const View& x = call.in[0];
  const Pooling pool = pooling(call, x, call.out[0], true);
  const Windows &h = pool.h, &w = pool.w;
  Scratch offsets(h.kernel * w.kernel * sizeof(int64_t)); // of a tap within the plane
  if (!offsets.ok()) return Status::kOutOfMemory;
  for (int64_t t = 0; t < h.kernel * w.kernel; ++t)
    offsets.as<int64_t>()[t] = t / w.kernel * h.dilation * w.size + t % w.kernel * w.dilation;
  const int64_t places = h.outputs * w.outputs, blocks = ceil_div(places, kBlock);
  const int64_t grain = std::max<int64_t>(1, 32'768 / (std::min(places, kBlock) * h.kernel * w.kernel + 1));
  return parallel_for(0, pool.planes * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t plane = task / blocks, first = task % blocks * kBlock, at = plane * places + first;
      MaxBlock<T>(pool, first, std::min(kBlock, places - first))
          .run(plane_of<T>(x, plane), x.strides[2], x.strides[3], offsets.as<int64_t>(), call.out[0].as<T>() + at,
               call.out[1].as<int64_t>() + at);
    }
  });
}

template <class T> Status max_pool_backward(const Call& call) {
  const View &g = call.in[0], &indices = call.in[1], &dx = call.out[0];
  const int64_t size = dx.sizes[2] * dx.sizes[3];
  return parallel_for(
      0, dx.sizes[0] * dx.sizes[1], std::max<int64_t>(1, 32'768 / (size + 1)), [&](int64_t begin, int64_t end) {
        for (int64_t plane = begin; plane < end; ++plane) {
          T* to = dx.as<T>() + plane * size;
          std::fill_n(to, size, T{});
          const T* from = plane_of<T>(g, plane);
          const int64_t* index = plane_of<int64_t>(indices, plane);
          for (int64_t i = 0; i < g.sizes[2]; ++i)
            for (int64_t j = 0; j < g.sizes[3]; ++j)
              to[index[i * indices.strides[2] + j * indices.strides[3]]] += from[i * g.strides[2] + j * g.strides[3]];
        }
      });
}

// What the sum of a window is divided by.
struct Divisor {
  const Pooling& pool;
  bool include_pad;
  int64_t fixed; // 0: the number of elements

  Divisor(const Pooling& p, const Call& call) : pool(p), include_pad(call.integer(6) != 0), fixed(call.integer(7)) {}

  int64_t operator()(int64_t i, int64_t j) const { return fixed != 0 ? fixed : extent(pool.h, i) * extent(pool.w, j); }

private:
  int64_t extent(const Windows& windows, int64_t output) const {
    const int64_t begin = windows.input(output, 0), end = std::min(begin + windows.kernel, windows.size + windows.pad);
    return include_pad ? end - begin : std::min(end, windows.size) - std::max<int64_t>(begin, 0);
  }
};

template <class T> Status avg_pool(const Call& call) {
  const View& x = call.in[0];
  const Pooling pool = pooling(call, x, call.out[0], false);
  const Windows &h = pool.h, &w = pool.w;
  const Divisor divisor(pool, call);
  const int64_t step = w.stride * x.strides[3];
  return parallel_for(0, pool.planes * h.outputs, pool.row_grain(), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t i = row % h.outputs;
      const T* plane = plane_of<T>(x, row / h.outputs);
      T* y = call.out[0].as<T>() + row * w.outputs;
      std::fill_n(y, w.outputs, T{});
      for (int64_t a = 0; a < h.kernel; ++a) {
        if (!h.inside(i, a)) continue;
        for (int64_t b = 0; b < w.kernel; ++b) {
          const int64_t from = w.first(b), to = w.last(b);
          const T* values = plane + h.input(i, a) * x.strides[2] + w.input(from, b) * x.strides[3];
          for (int64_t j = from; j < to; ++j) y[j] += values[(j - from) * step];
        }
      }
      for (int64_t j = 0; j < w.outputs; ++j) y[j] /= static_cast<T>(divisor(i, j));
    }
  });
}

template <class T> Status avg_pool_backward(const Call& call) {
  const View &g = call.in[0], &dx = call.out[0];
  const Pooling pool = pooling(call, dx, g, false);
  const Windows &h = pool.h, &w = pool.w;
  const Divisor divisor(pool, call);
  return parallel_for(0, pool.planes, pool.plane_grain(), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      T* to = dx.as<T>() + plane * h.size * w.size;
      std::fill_n(to, h.size * w.size, T{});
      const T* from = plane_of<T>(g, plane);
      for (int64_t i = 0; i < h.outputs; ++i)
        for (int64_t j = 0; j < w.outputs; ++j) {
          const T share = from[i * g.strides[2] + j * g.strides[3]] / static_cast<T>(divisor(i, j));
          const int64_t top = std::max<int64_t>(h.input(i, 0), 0), bottom = std::min(h.input(i, h.kernel), h.size);
          const int64_t left = std::max<int64_t>(w.input(j, 0), 0), right = std::min(w.input(j, w.kernel), w.size);
          for (int64_t y = top; y < bottom; ++y)
            for (int64_t x = left; x < right; ++x) to[y * w.size + x] += share;
        }
    }
  });
}

} // namespace

Status maxPool2d(const Call& call) {
  return visit(call.in[0].dtype, Numeric{}, [&]<class T>() { return max_pool<T>(call); });
}

Status maxPool2dBackward(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return max_pool_backward<T>(call); });
}

Status avgPool2d(const Call& call) {
  return visit(call.in[0].dtype, TypeSet<int64_t, float, double>{}, [&]<class T>() { return avg_pool<T>(call); });
}

Status avgPool2dBackward(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return avg_pool_backward<T>(call); });
}

} // namespace cg::cpu::CG_ISA
