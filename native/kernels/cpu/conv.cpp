// Convolution and its gradient by the input: tiles of outputs sum over taps of a padded image, without im2col.
#include "kernels/cpu/conv.h"

#include <atomic>

#include "kernels/cpu/conv_tile.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr int64_t kBlockPanels = 4; // panels of columns in a task

// y[n, r, i, j] = bias[r] + sum over k of weights[r, k] * image[n][offsets[k] + i * pitch + j], for each group of rows.
template <class T> struct Correlation {
  Frame frame;
  int64_t groups, rows, channels; // of one group: rows of output, channels of the image
  int64_t depth;                  // of k
  const int64_t* offsets;
  const T* weights;
  int64_t weight_row;
  const T* bias;
  int64_t out_h, out_w;
  T* y;
  int64_t y_image, y_channel, y_row, y_col;
};

// The outputs of one image and group, cut into panels of kTileCols places. Either each row of outputs is cut by itself,
// or the rows are taken with the padding between them as one run: what computes fewer places is chosen.
struct Panels {
  bool by_row;
  int64_t per_row, count, run;

  template <class T> static Panels of(const Correlation<T>& c) {
    const int64_t cols = kTileCols<T>, lanes = kWidth<T>;
    const int64_t run = c.out_h == 0 || c.out_w == 0 ? 0 : (c.out_h - 1) * c.frame.pitch + c.out_w;
    const bool by_row = c.out_h * ceil_div(c.out_w, lanes) * lanes < ceil_div(run, cols) * cols;
    const int64_t per_row = ceil_div(c.out_w, cols);
    return {by_row, per_row, by_row ? c.out_h * per_row : ceil_div(run, cols), run};
  }
};

// Copies a row of computed places, `shift` places into the run, to the outputs among them.
template <class T> void keep_outputs(const Correlation<T>& c, const T* places, int64_t shift, int64_t count, T* y) {
  const int64_t pitch = c.frame.pitch;
  for (int64_t p = 0; p < count;) {
    const int64_t i = (shift + p) / pitch, j = (shift + p) % pitch;
    const int64_t run = std::min(count - p, pitch - j), inside = std::clamp<int64_t>(c.out_w - j, 0, run);
    T* to = y + i * c.y_row + j * c.y_col;
    if (c.y_col == 1)
      std::memcpy(to, places + p, inside * sizeof(T));
    else
      for (int64_t q = 0; q < inside; ++q) to[q * c.y_col] = places[p + q];
    p += run;
  }
}

// The panels begin..end of one image and group. `buffer` holds rows x (end - begin) x kTileCols places, nullptr: write
// into y.
template <class T>
void correlate_panels(const Correlation<T>& c, const Panels& panels, int64_t group, const T* image, T* y, int64_t begin,
                      int64_t end, T* buffer) {
  constexpr int64_t kCols = kTileCols<T>;
  const int64_t tiles = ceil_div(c.rows, kTileRows<T>), steps = std::max<int64_t>(1, ceil_div(c.depth, kDepth));
  const T* weights = c.weights + group * c.rows * c.weight_row;
  const T* bias = c.bias == nullptr ? nullptr : c.bias + group * c.rows;
  for (int64_t step = 0; step < steps; ++step) {
    const int64_t k = part(c.depth, steps, step), depth = part(c.depth, steps, step + 1) - k;
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t i = panels.by_row ? panel / panels.per_row : 0;
      const int64_t j = (panels.by_row ? panel % panels.per_row : panel) * kCols;
      const int cols = static_cast<int>(std::min<int64_t>(kCols, (panels.by_row ? c.out_w : panels.run) - j));
      Target<T> to{1, y + i * c.y_row + j, c.y_channel, bias, 1, 0};
      if (buffer != nullptr) to.c = buffer + (panel - begin) * kCols, to.ldc = (end - begin) * kCols;
      if (step > 0) to.start = to.c, to.start_row = to.ldc, to.start_col = 1;
      const TapTile<T>* kernels = cols <= kWidth<T> ? kTapTiles<T, 1> : kTapTiles<T, 2>;
      for (int64_t t = 0; t < tiles; ++t) {
        const int64_t row = part(c.rows, tiles, t), rows = part(c.rows, tiles, t + 1) - row;
        kernels[rows - 1](depth, weights + row * c.weight_row + k, c.weight_row, image + i * c.frame.pitch + j,
                          c.offsets + k, to.at(row, 0), cols);
      }
    }
  }
  if (buffer == nullptr) return;
  for (int64_t row = 0; row < c.rows; ++row)
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t i = panels.by_row ? panel / panels.per_row : 0;
      const int64_t j = (panels.by_row ? panel % panels.per_row : panel) * kCols;
      const int64_t count = std::min<int64_t>(kCols, (panels.by_row ? c.out_w : panels.run) - j);
      keep_outputs(c, buffer + (row * (end - begin) + panel - begin) * kCols, i * c.frame.pitch + j, count,
                   y + row * c.y_channel);
    }
}

// The images first..first + count, framed in `images`.
template <class T> Status correlate(const Correlation<T>& c, const T* images, int64_t first, int64_t count) {
  const Panels panels = Panels::of(c);
  const bool direct = panels.by_row && c.y_col == 1;
  const int64_t blocks = ceil_div(panels.count, kBlockPanels), group_size = c.channels * c.frame.channel();
  const int64_t work =
      std::max<int64_t>(1, c.rows * (c.depth + 4) * std::min(panels.count, kBlockPanels) * kTileCols<T>);
  std::atomic<int32_t> failed = 0;
  const Status status = parallel_for(
      0, count * c.groups * blocks, std::max<int64_t>(1, kInline / 4 / work), [&](int64_t begin, int64_t end) {
        Scratch buffer(direct ? 0 : c.rows * std::min(panels.count, kBlockPanels) * kTileCols<T> * sizeof(T));
        if (!buffer.ok() && !direct) return void(failed = 1);
        for (int64_t task = begin; task < end; ++task) {
          const int64_t block = task % blocks, group = task / blocks % c.groups, n = task / blocks / c.groups;
          correlate_panels(c, panels, group, images + (n * c.groups + group) * group_size,
                           c.y + (first + n) * c.y_image + group * c.rows * c.y_channel,
                           part(panels.count, blocks, block), part(panels.count, blocks, block + 1),
                           direct ? nullptr : buffer.as<T>());
        }
      });
  return failed != 0 ? fail(Status::kOutOfMemory) : status;
}

// Runs every correlation over x [N,C,H,W], a few images at a time.
template <class T> Status correlate_all(std::span<const Correlation<T>> correlations, const View& x) {
  const Frame& frame = correlations[0].frame;
  const int64_t image = x.sizes[1] * frame.channel(), at_once = images_at_once(x.sizes[0], image, sizeof(T));
  Scratch images((at_once * image + kTileCols<T>)*sizeof(T)); // the last tile reads past the last image
  if (!images.ok()) return Status::kOutOfMemory;
  for (int64_t n = 0; n < x.sizes[0]; n += at_once) {
    const int64_t count = std::min(at_once, x.sizes[0] - n);
    Status status = fill_frames(frame, x, n, count, images.as<T>());
    for (size_t i = 0; status == Status::kOk && i < correlations.size(); ++i)
      status = correlate(correlations[i], images.as<T>(), n, count);
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

// Rows of weights that are not a multiple of 4 KiB apart, which would compete for the same lines of the L1 cache.
template <class T> int64_t row_pitch(int64_t depth) {
  return depth * sizeof(T) % 4096 == 0 ? depth + static_cast<int64_t>(64 / sizeof(T)) : depth;
}

// y = bias + w [O,C] @ x [C,H*W] for each image.
template <class T> Status multiply_images(const Matrix<T>& w, int64_t rows, const View& x, const T* bias, T* y) {
  const int64_t places = x.sizes[2] * x.sizes[3], channels = x.sizes[1],
                work = std::max<int64_t>(1, rows * channels * places);
  std::atomic<int32_t> failed = 0;
  const auto one = [&](int64_t n) {
    const Matrix<T> image{x.as<const T>() + n * x.strides[0], x.strides[1], 1};
    if (gemm<T>(rows, places, channels, w, image, {1, y + n * rows * places, places, bias, 1, 0}) != Status::kOk)
      failed = 1;
  };
  if (x.sizes[0] < 2 * thread_count() && work > 16 * kInline) {
    for (int64_t n = 0; n < x.sizes[0]; ++n) one(n);
  } else {
    const int64_t grain = std::max<int64_t>(1, kInline / work);
    const Status status = parallel_for(0, x.sizes[0], grain, [&](int64_t b, int64_t e) {
      for (int64_t n = b; n < e; ++n) one(n);
    });
    if (status != Status::kOk) return status;
  }
  return cancelled() ? fail(Status::kCancelled) : failed != 0 ? fail(Status::kOutOfMemory) : Status::kOk;
}

template <class T> Status forward(const Call& call) {
  const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
  const ConvAttributes conv(call);
  const int64_t channels = w.sizes[1], kernel_h = w.sizes[2], kernel_w = w.sizes[3],
                depth = channels * kernel_h * kernel_w;
  const int64_t rows = w.sizes[0], places = y.sizes[2] * y.sizes[3], pitch = row_pitch<T>(depth);
  if (y.numel == 0) return Status::kOk;

  Scratch bias(rows * sizeof(T)), weights(rows * pitch * sizeof(T)), offsets(depth * sizeof(int64_t));
  if (!bias.ok() || !weights.ok() || !offsets.ok()) return Status::kOutOfMemory;
  const bool has_bias = call.integer(7) != 0;
  for (int64_t i = 0; has_bias && i < rows; ++i) bias.as<T>()[i] = call.in[2].as<const T>()[i * call.in[2].strides[0]];
  View packed = w;
  if (!w.contiguous() || pitch != depth) {
    packed.data = weights.as<T>();
    const int64_t strides[] = {pitch, kernel_h * kernel_w, kernel_w, 1};
    std::copy_n(strides, 4, packed.strides);
    if (const Status status = copy(packed, w); status != Status::kOk) return status;
  }
  const int64_t weight_row = packed.data == w.data ? depth : pitch;
  const T* start = has_bias ? bias.as<T>() : nullptr;
  if (conv.is_product(w) && rows_follow(x))
    return multiply_images<T>({packed.as<const T>(), weight_row, 1}, rows, x, start, y.as<T>());

  const Frame frame = conv.frame(kernel_h, kernel_w, y.sizes[2], y.sizes[3]);
  conv.offsets(frame, channels, kernel_h, kernel_w, offsets.as<int64_t>());
  const Correlation<T> correlation{frame,
                                   conv.groups,
                                   rows / conv.groups,
                                   channels,
                                   depth,
                                   offsets.as<int64_t>(),
                                   packed.as<const T>(),
                                   weight_row,
                                   start,
                                   y.sizes[2],
                                   y.sizes[3],
                                   y.as<T>(),
                                   rows * places,
                                   places,
                                   y.sizes[3],
                                   1};
  return correlate_all<T>({&correlation, 1}, x);
}

int64_t floor_div(int64_t a, int64_t b) { return (a >= 0 ? a : a - b + 1) / b; }

// dx where y = y0 (mod stride): u = y + pad is met by the taps i with i * dilation = u (mod stride), each in row (u - i
// * dilation) / stride of g. So each of stride_h * stride_w phases of dx is a correlation of g by the taps it meets.
template <class T> Status backward_input(const Call& call) {
  const View &g = call.in[0], &w = call.in[1], &dx = call.out[0];
  const ConvAttributes conv(call);
  const int64_t groups = conv.groups, rows = w.sizes[1], channels = w.sizes[0] / groups, kernel_h = w.sizes[2],
                kernel_w = w.sizes[3];
  const int64_t height = dx.sizes[2], width = dx.sizes[3];
  if (dx.numel == 0) return Status::kOk;
  if (g.numel == 0) return std::memset(dx.data, 0, dx.numel * sizeof(T)), Status::kOk;

  const int64_t origin_h = floor_div(conv.pad_h - (kernel_h - 1) * conv.dilation_h, conv.stride_h);
  const int64_t origin_w = floor_div(conv.pad_w - (kernel_w - 1) * conv.dilation_w, conv.stride_w);
  const int64_t last_h = (height - 1 + conv.pad_h) / conv.stride_h, last_w = (width - 1 + conv.pad_w) / conv.stride_w;
  const Frame frame{origin_h, origin_w, 1, 1, 1, 1, last_h - origin_h + 1, last_w - origin_w + 1};

  const int64_t phases_h = std::min(conv.stride_h, height), phases_w = std::min(conv.stride_w, width);
  const int64_t per_tap = channels * rows * groups; // every tap belongs to at most one phase
  Scratch weights((kernel_h * kernel_w * (per_tap + 64 * rows * groups)) * sizeof(T)),
      offsets(w.numel / groups * sizeof(int64_t));
  Scratch phases(phases_h * phases_w * sizeof(Correlation<T>));
  if (!weights.ok() || !offsets.ok() || !phases.ok()) return Status::kOutOfMemory;
  T* next_weights = weights.as<T>();
  int64_t* next_offset = offsets.as<int64_t>();

  for (int64_t phase = 0; phase < phases_h * phases_w; ++phase) {
    const int64_t y0 = phase / phases_w, x0 = phase % phases_w;
    const int64_t* first_offset = next_offset;
    const auto for_taps = [&](const auto& fn) {
      for (int64_t i = 0; i < kernel_h; ++i)
        for (int64_t j = 0; j < kernel_w; ++j) {
          const int64_t u = y0 + conv.pad_h - i * conv.dilation_h, v = x0 + conv.pad_w - j * conv.dilation_w;
          if (u % conv.stride_h == 0 && v % conv.stride_w == 0) fn(i, j, u / conv.stride_h, v / conv.stride_w);
        }
    };
    for (int64_t o = 0; o < channels; ++o)
      for_taps([&](int64_t, int64_t, int64_t u, int64_t v) {
        *next_offset++ = o * frame.channel() + frame.offset(u - origin_h, v - origin_w);
      });
    const int64_t depth = next_offset - first_offset, pitch = row_pitch<T>(depth);
    const Status status =
        parallel_for(0, groups * rows, std::max<int64_t>(1, 16'384 / (depth + 1)), [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) { // row r of weights is channel r % rows of group r / rows
            const T* from = w.as<const T>() + r / rows * channels * w.strides[0] + r % rows * w.strides[1];
            T* to = next_weights + r * pitch;
            for (int64_t o = 0; o < channels; ++o)
              for_taps([&](int64_t i, int64_t j, int64_t, int64_t) {
                *to++ = from[o * w.strides[0] + i * w.strides[2] + j * w.strides[3]];
              });
          }
        });
    if (status != Status::kOk) return status;
    phases.as<Correlation<T>>()[phase] = {frame,
                                          groups,
                                          rows,
                                          channels,
                                          depth,
                                          first_offset,
                                          next_weights,
                                          pitch,
                                          nullptr,
                                          ceil_div(height - y0, conv.stride_h),
                                          ceil_div(width - x0, conv.stride_w),
                                          dx.as<T>() + y0 * width + x0,
                                          groups * rows * height * width,
                                          height * width,
                                          conv.stride_h * width,
                                          conv.stride_w};
    next_weights += groups * rows * pitch;
  }
  if (conv.is_product(w) && rows_follow(g)) {
    const Correlation<T>& only = phases.as<Correlation<T>>()[0];
    return multiply_images<T>({only.weights, only.weight_row, 1}, rows, g, nullptr, dx.as<T>());
  }
  return correlate_all<T>({phases.as<Correlation<T>>(), static_cast<size_t>(phases_h * phases_w)}, g);
}

} // namespace

Status conv2d(const Call& call) {
  return visit(call.out[0].dtype, Floating{}, [&]<class T>() { return forward<T>(call); });
}

Status conv2dBackwardInput(const Call& call) {
  return visit(call.out[0].dtype, Floating{}, [&]<class T>() { return backward_input<T>(call); });
}

} // namespace cg::cpu::CG_ISA
