// The gradient of a convolution by its weight: dw[o, k] sums g[n, o, place] * image[n][offsets[k] + place] over images
// and places.
#include "kernels/cpu/conv.h"
#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr int64_t kTapTilesInTask = 8;

// Tiles of kDotRows x kDotTaps of dw belong to one task each, which meets the images in order: the result does not
// depend on the threads.
template <class T> class WeightGradient {
public:
  WeightGradient(const ConvAttributes& conv, const View& g, const View& x, const View& dw)
      : frame_(conv.frame(dw.sizes[2], dw.sizes[3], g.sizes[2], g.sizes[3])), groups_(conv.groups),
        rows_(dw.sizes[0] / groups_), channels_(dw.sizes[1]), depth_(channels_ * dw.sizes[2] * dw.sizes[3]),
        out_h_(g.sizes[2]), out_w_(g.sizes[3]), g_(g), x_(x), dw_(dw.as<T>()) {
    places_ = ceil_div(out_h_ * frame_.pitch, kWidth<T>) * kWidth<T>;
    row_tiles_ = ceil_div(rows_, kDotRows);
    tap_tiles_ = ceil_div(depth_, kDotTaps);
    tap_blocks_ = ceil_div(tap_tiles_, kTapTilesInTask);
  }

  Status run(const int64_t* offsets) {
    offsets_ = offsets;
    const int64_t image = x_.sizes[1] * frame_.channel(), gradient = g_.sizes[1] * places_;
    const int64_t at_once = images_at_once(x_.sizes[0], image + gradient, sizeof(T));
    Scratch images((at_once * image + kWidth<T> + frame_.pitch) * sizeof(T)), gradients(at_once * gradient * sizeof(T));
    if (!images.ok() || !gradients.ok()) return Status::kOutOfMemory;
    std::fill_n(images.as<T>() + at_once * image, kWidth<T> + frame_.pitch, T{}); // read past the last image, times 0
    std::fill_n(dw_, groups_ * rows_ * depth_, T{});
    for (int64_t n = 0; n < x_.sizes[0]; n += at_once) {
      const int64_t count = std::min(at_once, x_.sizes[0] - n);
      Status status = fill_frames(frame_, x_, n, count, images.as<T>());
      if (status == Status::kOk) status = fill_gradients(n, count, gradients.as<T>());
      if (status == Status::kOk) status = accumulate(images.as<T>(), gradients.as<T>(), count);
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  }

private:
  // g with rows as far apart as in the frame; zeros between them.
  Status fill_gradients(int64_t first, int64_t count, T* to) const {
    const int64_t channels = g_.sizes[1];
    return parallel_for(0, count * channels, std::max<int64_t>(1, 16'384 / places_), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const T* from = g_.as<const T>() + (first + c / channels) * g_.strides[0] + c % channels * g_.strides[1];
        T* at = to + c * places_;
        std::fill_n(at, places_, T{});
        for (int64_t i = 0; i < out_h_; ++i)
          for (int64_t j = 0; j < out_w_; ++j) at[i * frame_.pitch + j] = from[i * g_.strides[2] + j * g_.strides[3]];
      }
    });
  }

  Status accumulate(const T* images, const T* gradients, int64_t count) const {
    const int64_t tasks = groups_ * row_tiles_ * tap_blocks_;
    const int64_t work =
        std::max<int64_t>(1, kDotTaps * kDotRows * std::min(tap_tiles_, kTapTilesInTask) * places_ * count);
    return parallel_for(0, tasks, std::max<int64_t>(1, kInline / 4 / work), [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t block = task % tap_blocks_, tile = task / tap_blocks_ % row_tiles_,
                      group = task / tap_blocks_ / row_tiles_;
        accumulate_tiles(group, part(rows_, row_tiles_, tile), part(rows_, row_tiles_, tile + 1),
                         part(tap_tiles_, tap_blocks_, block), part(tap_tiles_, tap_blocks_, block + 1), images,
                         gradients, count);
      }
    });
  }

  // The rows of a tile stay in the L1 cache while the tiles of taps pass.
  void accumulate_tiles(int64_t group, int64_t row, int64_t row_end, int64_t tile_begin, int64_t tile_end,
                        const T* images, const T* gradients, int64_t count) const {
    Vector<T> sums[kTapTilesInTask][kDotRows * kDotTaps] = {};
    const int64_t rows = row_end - row;
    for (int64_t n = 0; n < count; ++n) {
      const T* image = images + (n * groups_ + group) * channels_ * frame_.channel();
      const T* gradient = gradients + ((n * groups_ + group) * rows_ + row) * places_;
      for (int64_t t = tile_begin; t < tile_end; ++t) {
        const int64_t tap = part(depth_, tap_tiles_, t), taps = part(depth_, tap_tiles_, t + 1) - tap;
        kDotTiles<T>[(rows - 1) * kDotTaps + taps - 1](places_, gradient, places_, image, offsets_ + tap,
                                                       sums[t - tile_begin]);
      }
    }
    for (int64_t t = tile_begin; t < tile_end; ++t) {
      const int64_t tap = part(depth_, tap_tiles_, t), end = part(depth_, tap_tiles_, t + 1);
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t k = tap; k < end; ++k)
          dw_[(group * rows_ + row + r) * depth_ + k] += sum_of_lanes<T>(sums[t - tile_begin][r * kDotTaps + k - tap]);
    }
  }

  Frame frame_;
  int64_t groups_, rows_, channels_, depth_; // of one group: output channels, input channels, taps of all of them
  int64_t out_h_, out_w_;
  const View &g_, &x_;
  T* dw_;
  int64_t places_, row_tiles_, tap_tiles_, tap_blocks_;
  const int64_t* offsets_ = nullptr;
};

// Of a convolution that is a product of matrices: dw [O,C] = sum over images of g [O,H*W] @ x^T [H*W,C].
template <class T> Status multiply_images(const View& g, const View& x, T* dw) {
  const int64_t rows = g.sizes[1], channels = x.sizes[1], places = g.sizes[2] * g.sizes[3];
  for (int64_t n = 0; n < g.sizes[0]; ++n) {
    const Matrix<T> left{g.as<const T>() + n * g.strides[0], g.strides[1], 1};
    const Matrix<T> right{x.as<const T>() + n * x.strides[0], 1, x.strides[1]};
    const Status status =
        gemm<T>(rows, channels, places, left, right, {1, dw, channels, n == 0 ? nullptr : dw, channels, 1});
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

template <class T> Status backward_weight(const Call& call) {
  const View &g = call.in[0], &x = call.in[1], &dw = call.out[0];
  if (dw.numel == 0) return Status::kOk;
  if (g.numel == 0) return std::memset(dw.data, 0, dw.numel * sizeof(T)), Status::kOk;
  const ConvAttributes conv(call);
  if (conv.is_product(dw) && rows_follow(x) && rows_follow(g)) return multiply_images<T>(g, x, dw.as<T>());
  Scratch offsets(dw.sizes[1] * dw.sizes[2] * dw.sizes[3] * sizeof(int64_t));
  if (!offsets.ok()) return Status::kOutOfMemory;
  conv.offsets(conv.frame(dw.sizes[2], dw.sizes[3], g.sizes[2], g.sizes[3]), dw.sizes[1], dw.sizes[2], dw.sizes[3],
               offsets.as<int64_t>());
  return WeightGradient<T>(conv, g, x, dw).run(offsets.as<int64_t>());
}

} // namespace

Status conv2dBackwardWeight(const Call& call) {
  return visit(call.out[0].dtype, Floating{}, [&]<class T>() { return backward_weight<T>(call); });
}

} // namespace cg::cpu::CG_ISA
