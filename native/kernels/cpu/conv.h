// What the three convolution kernels share: their attributes and the padded images of a batch.
#pragma once
#include <algorithm>

#include "core/parallel.h"
#include "core/view.h"
#include "kernels/cpu/conv_frame.h"

namespace cg::cpu::CG_ISA {

struct ConvAttributes {
  int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;

  explicit ConvAttributes(const Call& call)
      : stride_h(call.integer(0)), stride_w(call.integer(1)), pad_h(call.integer(2)), pad_w(call.integer(3)),
        dilation_h(call.integer(4)), dilation_w(call.integer(5)), groups(call.integer(6)) {}

  // A 1x1 kernel makes the convolution a product of matrices for each image: w [O,C] @ x [C,H*W].
  bool is_product(const View& w) const {
    return w.sizes[2] * w.sizes[3] == 1 && stride_h * stride_w == 1 && pad_h + pad_w == 0 && groups == 1;
  }

  // The frame in which an output of out_h x out_w sees its inputs under a kernel of kernel_h x kernel_w.
  Frame frame(int64_t kernel_h, int64_t kernel_w, int64_t out_h, int64_t out_w) const {
    const int64_t reach_h = (kernel_h - 1) * dilation_h, reach_w = (kernel_w - 1) * dilation_w;
    return {-pad_h,
            -pad_w,
            stride_h,
            stride_w,
            std::min(stride_h, reach_h + 1),
            std::min(stride_w, reach_w + 1),
            out_h + reach_h / stride_h,
            out_w + reach_w / stride_w};
  }

  // offsets[(c * kernel_h + i) * kernel_w + j]: the tap (i, j) of channel c.
  void offsets(const Frame& frame, int64_t channels, int64_t kernel_h, int64_t kernel_w, int64_t* to) const {
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < kernel_h; ++i)
        for (int64_t j = 0; j < kernel_w; ++j)
          *to++ = c * frame.channel() + frame.offset(i * dilation_h, j * dilation_w);
  }
};

// Whether the rows of every channel of x [N,C,H,W] follow one another, so that a channel is a row of a matrix.
inline bool rows_follow(const View& x) { return x.strides[3] == 1 && (x.strides[2] == x.sizes[3] || x.sizes[2] == 1); }

// How many images of `elements` elements are framed at a time: they should stay in the caches.
inline int64_t images_at_once(int64_t images, int64_t elements, size_t element_bytes) {
  constexpr int64_t kBytes = 4 << 20;
  return std::clamp<int64_t>(kBytes / std::max<int64_t>(1, elements * static_cast<int64_t>(element_bytes)), 1, images);
}

// Frames every channel of the images first..first + count of x [N,C,H,W]; to[count][C][frame.channel()].
template <class T> Status fill_frames(const Frame& frame, const View& x, int64_t first, int64_t count, T* to) {
  const int64_t channels = x.sizes[1], size = frame.channel();
  return parallel_for(
      0, count * channels, std::max<int64_t>(1, 16'384 / std::max<int64_t>(1, size)), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const T* from = x.as<const T>() + (first + i / channels) * x.strides[0] + i % channels * x.strides[1];
          frame.fill(Plane<T>{from, x.sizes[2], x.sizes[3], x.strides[2], x.strides[3]}, to + i * size);
        }
      });
}

} // namespace cg::cpu::CG_ISA
