// Maximum and average over windows of images. A tap of the window is handled for a whole row of outputs at once, which vectorises.
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
    return Windows{image.sizes[2 + d], call.integer(d), call.integer(2 + d), call.integer(4 + d), dilated ? call.integer(6 + d) : 1,
                   pooled.sizes[2 + d]};
  };
  return {windows(0), windows(1), image.sizes[0] * image.sizes[1], image.sizes[1]};
}

template <class T> const T* plane_of(const View& x, int64_t plane) {
  return x.as<const T>() + plane / x.sizes[1] * x.strides[0] + plane % x.sizes[1] * x.strides[1];
}

constexpr int64_t kBlock = 256; // outputs whose state stays on the stack

// One tap of `count` outputs: a greater value or a NaN wins, as does the first value met.
template <class T, class Index>
CG_INLINE void keep_greater(const T* x, int64_t step, Index at, Index at_step, int64_t count, T* best, Index* where) {
  CG_SIMD for (int64_t j = 0; j < count; ++j) {
    const T value = x[j * step];
    const bool wins = (value > best[j]) | (value != value) | (where[j] < 0);
    best[j] = wins ? value : best[j];
    where[j] = wins ? static_cast<Index>(at + static_cast<Index>(j) * at_step) : where[j];
  }
}

template <class T> Status max_pool(const Call& call) {
  using Index = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>; // as wide as the values, for the vectoriser
  const View& x = call.in[0];
  const Pooling pool = pooling(call, x, call.out[0], true);
  const Windows &h = pool.h, &w = pool.w;
  const int64_t col = x.strides[3];
  return parallel_for(0, pool.planes * h.outputs, pool.row_grain(), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t i = row % h.outputs;
      const T* plane = plane_of<T>(x, row / h.outputs);
      T* y = call.out[0].as<T>() + row * w.outputs;
      int64_t* indices = call.out[1].as<int64_t>() + row * w.outputs;
      for (int64_t block = 0; block < w.outputs; block += kBlock) {
        const int64_t block_end = std::min(block + kBlock, w.outputs);
        Index where[kBlock];
        std::fill_n(where, kBlock, Index{-1});
        std::fill(y + block, y + block_end, std::numeric_limits<T>::lowest());
        for (int64_t a = 0; a < h.kernel; ++a) {
          if (!h.inside(i, a)) continue;
          for (int64_t b = 0; b < w.kernel; ++b) {
            const int64_t from = std::max(w.first(b), block), to = std::min(w.last(b), block_end);
            if (from >= to) continue;
            const T* values = plane + h.input(i, a) * x.strides[2] + w.input(from, b) * col;
            const Index at = static_cast<Index>(h.input(i, a) * w.size + w.input(from, b));
            const Index at_step = static_cast<Index>(w.stride);
            if (w.stride == 1 && col == 1) keep_greater<T, Index>(values, 1, at, 1, to - from, y + from, where + from - block);
            else if (w.stride == 2 && col == 1) keep_greater<T, Index>(values, 2, at, 2, to - from, y + from, where + from - block);
            else keep_greater<T, Index>(values, w.stride * col, at, at_step, to - from, y + from, where + from - block);
          }
        }
        for (int64_t j = block; j < block_end; ++j) indices[j] = where[j - block];
      }
    }
  });
}

template <class T> Status max_pool_backward(const Call& call) {
  const View &g = call.in[0], &indices = call.in[1], &dx = call.out[0];
  const int64_t size = dx.sizes[2] * dx.sizes[3], places = g.sizes[2] * g.sizes[3];
  return parallel_for(0, dx.sizes[0] * dx.sizes[1], std::max<int64_t>(1, 32'768 / (size + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      T* to = dx.as<T>() + plane * size;
      std::fill_n(to, size, T{});
      const T* from = plane_of<T>(g, plane);
      const int64_t* index = plane_of<int64_t>(indices, plane);
      for (int64_t p = 0; p < places; ++p) {
        const int64_t i = p / g.sizes[3], j = p % g.sizes[3];
        to[index[i * indices.strides[2] + j * indices.strides[3]]] += from[i * g.strides[2] + j * g.strides[3]];
      }
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
