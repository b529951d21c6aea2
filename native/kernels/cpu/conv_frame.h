// A padded copy of an image in which every tap of a convolution sees its inputs as one contiguous run.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/isa.h"

namespace cg::cpu::CG_ISA {

// A channel of an image wherever it lies.
template <class T> struct Plane {
  const T* data;
  int64_t height, width, row, col; // sizes, then strides
};

// How one channel is laid out: planes[phases_h][phases_w] of rows x pitch. Element (y, x) of plane (a, b) is the image
// at (origin_h + a + y * step_h, origin_w + b + x * step_w), or 0 outside. So an output that moves by step_h, step_w in
// the image moves by one row, one column in every plane, whatever the stride of the convolution.
struct Frame {
  int64_t origin_h, origin_w, step_h, step_w, phases_h, phases_w, rows, pitch;

  int64_t plane() const { return rows * pitch; }
  int64_t channel() const { return phases_h * phases_w * plane(); }

  // Where the image at (origin + (h, w)) is kept.
  int64_t offset(int64_t h, int64_t w) const {
    return (h % step_h * phases_w + w % step_w) * plane() + h / step_h * pitch + w / step_w;
  }

  template <class T> void fill(const Plane<T>& from, T* to) const {
    for (int64_t a = 0; a < phases_h; ++a)
      for (int64_t b = 0; b < phases_w; ++b)
        for (int64_t y = 0; y < rows; ++y, to += pitch) {
          const int64_t h = origin_h + a + y * step_h, w = origin_w + b;
          if (h < 0 || h >= from.height)
            std::fill_n(to, pitch, T{});
          else
            fill_row(from.data + h * from.row, from.width, from.col, w, to);
        }
  }

private:
  template <class T> void fill_row(const T* row, int64_t width, int64_t col, int64_t first, T* to) const {
    const int64_t begin = std::clamp<int64_t>(first < 0 ? (step_w - 1 - first) / step_w : 0, 0, pitch);
    const int64_t inside = width - first; // columns from `first` to the end of the image
    const int64_t end = std::clamp<int64_t>(inside <= 0 ? 0 : (inside + step_w - 1) / step_w, begin, pitch);
    std::fill(to, to + begin, T{});
    const T* from = row + (first + begin * step_w) * col;
    const int64_t step = step_w * col;
    if (step == 1)
      std::memcpy(to + begin, from, (end - begin) * sizeof(T));
    else
      for (int64_t x = begin; x < end; ++x) to[x] = from[(x - begin) * step];
    std::fill(to + end, to + pitch, T{});
  }
};

} // namespace cg::cpu::CG_ISA
