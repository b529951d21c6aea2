// Layer and batch normalisation and their gradients.
#include <cmath>

#include "core/parallel.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr int64_t kChunk = 65536; // elements that one task takes

// A weight or bias of n elements, or n times `missing`.
template <class T> class Parameter {
public:
  Parameter(const View* given, int64_t n, T missing)
      : filled_(given != nullptr ? 0 : static_cast<size_t>(n) * sizeof(T)), given_(given != nullptr ? *given : View{}),
        data_(given != nullptr ? given_.template as<T>() : filled_.template as<T>()) {
    if (given == nullptr && filled_.ok()) std::fill_n(filled_.template as<T>(), n, missing);
  }
  bool ok() const { return filled_.ok() && given_.ok(); }
  const T* data() const { return data_; }

private:
  Scratch filled_;
  Dense given_;
  const T* data_;
};

// The weight and the bias that follow the inputs `call.in[first...]`, as `flags` says.
struct Given {
  const View *weight = nullptr, *bias = nullptr;
  Given(const Call& call, size_t first, int64_t flags) {
    if (flags & 1) weight = &call.in[first++];
    if (flags & 2) bias = &call.in[first];
  }
};

template <class T> Moments moments_of_row(const T* x, int64_t n) {
  Moments m;
  for (int64_t i = 0; i < n; i += kPiece) m.merge(moments_of(x + i, std::min(kPiece, n - i)));
  return m;
}

template <class T> Status layer_norm(const Call& call) {
  const View& x = call.in[0];
  const int64_t features = call.integer(0), rows = features == 0 ? 0 : x.numel / features;
  const double eps = call.attr[1];
  const Given given(call, 1, call.integer(2));
  const Dense input(x);
  const Parameter<T> weight(given.weight, features, 1), bias(given.bias, features, 0);
  if (!input.ok() || !weight.ok() || !bias.ok()) return Status::kOutOfMemory;
  const T *w = weight.data(), *b = bias.data();
  return parallel_for(
      0, rows, std::max<int64_t>(1, kChunk / std::max<int64_t>(1, features)), [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          const T* from = input.template as<T>() + r * features;
          T* to = call.out[0].template as<T>() + r * features;
          const Moments m = moments_of_row(from, features);
          const T mean = static_cast<T>(m.sum / m.count), rstd = static_cast<T>(1 / std::sqrt(m.m2 / m.count + eps));
          CG_SIMD for (int64_t i = 0; i < features; ++i) to[i] = (from[i] - mean) * rstd * w[i] + b[i];
          call.out[1].template as<T>()[r] = mean;
          call.out[2].template as<T>()[r] = rstd;
        }
      });
}

// The two sums of a row's gradient, and its shares of dw and db.
template <class T>
void add_layer_gradients(const T* g, const T* x, const T* w, T mean, T rstd, int64_t n, T* dw, T* db, T& sum_a,
                         T& sum_ah) {
  alignas(64) T a_lanes[kLanes] = {}, ah_lanes[kLanes] = {};
  int64_t i = 0;
  const auto step = [&](int64_t at, int64_t width) {
    CG_SIMD for (int64_t j = 0; j < width; ++j) {
      const T h = (x[at + j] - mean) * rstd, a = g[at + j] * w[at + j];
      a_lanes[j] += a;
      ah_lanes[j] += a * h;
      dw[at + j] += g[at + j] * h;
      db[at + j] += g[at + j];
    }
  };
  for (; i + kLanes <= n; i += kLanes) step(i, kLanes);
  step(i, n - i);
  sum_a = static_cast<T>(fold_run(PlainSum<T>{}, a_lanes, kLanes));
  sum_ah = static_cast<T>(fold_run(PlainSum<T>{}, ah_lanes, kLanes));
}

// Adds up `parts` rows of `n` partial sums, `stride` apart.
template <class T> Status add_parts(const T* partial, int64_t parts, int64_t stride, int64_t n, T* sums) {
  return parallel_for(0, n, 1024, [&](int64_t begin, int64_t end) {
    double totals[1024] = {};
    fold_columns(PlainSum<T>{}, partial + begin, stride, parts, end - begin, totals);
    for (int64_t j = begin; j < end; ++j) sums[j] = static_cast<T>(totals[j - begin]);
  });
}

template <class T> Status layer_norm_backward(const Call& call) {
  const int64_t features = call.integer(0), rows = features == 0 ? 0 : call.in[0].numel / features;
  const Given given(call, 4, call.integer(1));
  const Dense grad(call.in[0]), input(call.in[1]), means(call.in[2]), rstds(call.in[3]);
  const Parameter<T> weight(given.weight, features, 1);
  const int64_t block = std::max<int64_t>(8, kChunk / std::max<int64_t>(1, features)),
                blocks = (rows + block - 1) / block;
  const Scratch partial(static_cast<size_t>(std::max<int64_t>(1, 2 * blocks * features)) * sizeof(T));
  if (!grad.ok() || !input.ok() || !means.ok() || !rstds.ok() || !weight.ok() || !partial.ok())
    return Status::kOutOfMemory;
  const T* w = weight.data();
  const Status status = parallel_for(0, rows, block, [&](int64_t begin, int64_t end) {
    T* dw = partial.as<T>() + begin / block * 2 * features;
    T* db = dw + features;
    std::fill_n(dw, 2 * features, T{0});
    for (int64_t r = begin; r < end; ++r) {
      const T *g = grad.template as<T>() + r * features, *x = input.template as<T>() + r * features;
      T* dx = call.out[0].template as<T>() + r * features;
      const T mean = means.template as<T>()[r], rstd = rstds.template as<T>()[r];
      T sum_a, sum_ah;
      add_layer_gradients(g, x, w, mean, rstd, features, dw, db, sum_a, sum_ah);
      const T a_mean = sum_a / static_cast<T>(features), ah_mean = sum_ah / static_cast<T>(features);
      CG_SIMD for (int64_t i = 0; i < features; ++i) dx[i] =
          rstd * (g[i] * w[i] - a_mean - (x[i] - mean) * rstd * ah_mean);
    }
  });
  if (status != Status::kOk) return status;
  const Status dw_status = add_parts(partial.as<T>(), blocks, 2 * features, features, call.out[1].template as<T>());
  if (dw_status != Status::kOk) return dw_status;
  return add_parts(partial.as<T>() + features, blocks, 2 * features, features, call.out[2].template as<T>());
}

// x [N, C, *] as N images of C channels of `pixels` elements.
struct Images {
  int64_t count, channels, pixels;
  explicit Images(const View& x) : count(x.sizes[0]), channels(x.sizes[1]), pixels(1) {
    for (int d = 2; d < x.rank; ++d) pixels *= x.sizes[d];
  }
};

// Calls fn(image, channel, n) where n elements from there have one channel each (pixels == 1) or all the same.
template <class Fn> Status for_channels(const Images& x, const Fn& fn) {
  const int64_t runs = x.pixels == 1 ? x.count : x.count * x.channels, n = x.pixels == 1 ? x.channels : x.pixels;
  return parallel_for(0, runs, std::max<int64_t>(1, kChunk / std::max<int64_t>(1, n)), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      if (x.pixels == 1)
        fn(k, 0, n);
      else
        fn(k / x.channels, k % x.channels, n);
    }
  });
}

// y = (x - mean) * rstd * w + b, per channel.
template <class T>
Status normalize(const T* x, const Images& images, const T* mean, const T* rstd, const T* w, const T* b, T* y) {
  return for_channels(images, [&](int64_t image, int64_t c, int64_t n) {
    const int64_t at = (image * images.channels + c) * images.pixels;
    const T* from = x + at;
    T* to = y + at;
    if (images.pixels == 1) {
      CG_SIMD for (int64_t i = 0; i < n; ++i) to[i] = (from[i] - mean[i]) * (rstd[i] * w[i]) + b[i];
      return;
    }
    const T center = mean[c], scale = rstd[c] * w[c], shift = b[c];
    CG_SIMD for (int64_t i = 0; i < n; ++i) to[i] = (from[i] - center) * scale + shift;
  });
}

template <class T> Status batch_norm(const Call& call) {
  const View& x = call.in[0];
  const Images images(x);
  const double eps = call.attr[0];
  const Given given(call, 1, call.integer(1));
  const Dense input(x);
  const Parameter<T> weight(given.weight, images.channels, 1), bias(given.bias, images.channels, 0);
  if (!input.ok() || !weight.ok() || !bias.ok()) return Status::kOutOfMemory;
  T *mean = call.out[1].template as<T>(), *rstd = call.out[2].template as<T>(), *var = call.out[3].template as<T>();
  const auto finish = [=](const Moments& m, int64_t c) {
    mean[c] = static_cast<T>(m.sum / m.count);
    var[c] = static_cast<T>(m.m2 / m.count);
    rstd[c] = static_cast<T>(1 / std::sqrt(m.m2 / m.count + eps));
  };
  const uint32_t all_but_channels = all_dims(x) & ~2u;
  const Status status = reduce(x, all_but_channels, Order::kMemory, MomentsReduction<T, decltype(finish)>(finish));
  if (status != Status::kOk) return status;
  return normalize(input.template as<T>(), images, mean, rstd, weight.data(), bias.data(),
                   call.out[0].template as<T>());
}

template <class T> Status batch_norm_eval(const Call& call) {
  const Images images(call.in[0]);
  const double eps = call.attr[0];
  const Given given(call, 3, call.integer(1));
  const Dense input(call.in[0]), mean(call.in[1]), var(call.in[2]);
  const Parameter<T> weight(given.weight, images.channels, 1), bias(given.bias, images.channels, 0);
  const Scratch rstd(static_cast<size_t>(std::max<int64_t>(1, images.channels)) * sizeof(T));
  if (!input.ok() || !mean.ok() || !var.ok() || !weight.ok() || !bias.ok() || !rstd.ok()) return Status::kOutOfMemory;
  for (int64_t c = 0; c < images.channels; ++c)
    rstd.as<T>()[c] = static_cast<T>(1 / std::sqrt(static_cast<double>(var.template as<T>()[c]) + eps));
  return normalize(input.template as<T>(), images, mean.template as<T>(), rstd.as<T>(), weight.data(), bias.data(),
                   call.out[0].template as<T>());
}

// Sums of g and of g * (x - mean) over a run.
template <class T> void gradient_sums(const T* g, const T* x, T mean, int64_t n, double& sum_g, double& sum_gd) {
  alignas(64) T g_lanes[kLanes] = {}, gd_lanes[kLanes] = {};
  const auto step = [&](int64_t at, int64_t width) {
    for (int64_t j = 0; j < width; ++j) {
      g_lanes[j] += g[at + j];
      gd_lanes[j] += g[at + j] * (x[at + j] - mean);
    }
  };
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) step(i, kLanes);
  step(i, n - i);
  sum_g += fold_run(PlainSum<T>{}, g_lanes, kLanes);
  sum_gd += fold_run(PlainSum<T>{}, gd_lanes, kLanes);
}

template <class T> Status batch_norm_backward(const Call& call) {
  const Images images(call.in[0]);
  const bool training = call.integer(0) != 0;
  const Given given(call, 4, call.integer(1));
  const Dense grad(call.in[0]), input(call.in[1]), means(call.in[2]), rstds(call.in[3]);
  const Parameter<T> weight(given.weight, images.channels, 1);
  const int64_t channels = images.channels, pixels = images.pixels;
  // Images of one block are added in order; a block has its own row of sums.
  const int64_t block = std::max<int64_t>(1, kChunk / std::max<int64_t>(1, channels * pixels));
  const int64_t blocks = (images.count + block - 1) / block;
  const Scratch sums(static_cast<size_t>(std::max<int64_t>(1, 2 * (blocks + 1) * channels)) * sizeof(double));
  if (!grad.ok() || !input.ok() || !means.ok() || !rstds.ok() || !weight.ok() || !sums.ok())
    return Status::kOutOfMemory;
  const T *g = grad.template as<T>(), *x = input.template as<T>(), *w = weight.data();
  const T *mean = means.template as<T>(), *rstd = rstds.template as<T>();
  Status status = parallel_for(0, images.count, block, [&](int64_t begin, int64_t end) {
    double *sum_g = sums.as<double>() + begin / block * 2 * channels, *sum_gd = sum_g + channels;
    std::fill_n(sum_g, 2 * channels, 0.0);
    for (int64_t image = begin; image < end; ++image) {
      const int64_t at = image * channels * pixels;
      if (pixels == 1) CG_SIMD for (int64_t c = 0; c < channels; ++c) {
          sum_g[c] += g[at + c];
          sum_gd[c] += g[at + c] * (x[at + c] - mean[c]);
        }
      else
        for (int64_t c = 0; c < channels; ++c)
          gradient_sums(g + at + c * pixels, x + at + c * pixels, mean[c], pixels, sum_g[c], sum_gd[c]);
    }
  });
  if (status != Status::kOk) return status;

  // dx = w rstd (g - mean(g) - h mean(g h)) with h = (x - mean) rstd, as g * scale + (x - mean) * slope + shift.
  const Scratch affine(static_cast<size_t>(std::max<int64_t>(1, 3 * channels)) * sizeof(T));
  if (!affine.ok()) return Status::kOutOfMemory;
  T *scale = affine.as<T>(), *slope = scale + channels, *shift = slope + channels;
  const double elements = static_cast<double>(images.count * pixels);
  for (int64_t c = 0; c < channels; ++c) {
    double sum_g = 0, sum_gd = 0;
    for (int64_t b = 0; b < blocks; ++b) {
      sum_g += sums.as<double>()[b * 2 * channels + c];
      sum_gd += sums.as<double>()[(b * 2 + 1) * channels + c];
    }
    const double r = rstd[c];
    call.out[1].template as<T>()[c] = static_cast<T>(sum_gd * r);
    call.out[2].template as<T>()[c] = static_cast<T>(sum_g);
    scale[c] = static_cast<T>(w[c] * r);
    slope[c] = static_cast<T>(training ? -w[c] * r * r * r * sum_gd / elements : 0);
    shift[c] = static_cast<T>(training ? -w[c] * r * sum_g / elements : 0);
  }
  T* dx = call.out[0].template as<T>();
  return for_channels(images, [&](int64_t image, int64_t c, int64_t n) {
    const int64_t at = (image * channels + c) * pixels;
    if (pixels == 1) {
      CG_SIMD for (int64_t i = 0; i < n; ++i) dx[at + i] =
          g[at + i] * scale[i] + (x[at + i] - mean[i]) * slope[i] + shift[i];
      return;
    }
    const T center = mean[c], a = scale[c], b = slope[c], d = shift[c];
    CG_SIMD for (int64_t i = 0; i < n; ++i) dx[at + i] = g[at + i] * a + (x[at + i] - center) * b + d;
  });
}

} // namespace

Status layerNorm(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return layer_norm<T>(call); });
}
Status layerNormBackward(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return layer_norm_backward<T>(call); });
}
Status batchNorm(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return batch_norm<T>(call); });
}
Status batchNormEval(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return batch_norm_eval<T>(call); });
}
Status batchNormBackward(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return batch_norm_backward<T>(call); });
}

} // namespace cg::cpu::CG_ISA
