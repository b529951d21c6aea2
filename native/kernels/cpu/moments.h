// The operations that several kernels fold with: extremes that NaN wins; count, sum and squared deviations of a run.
#pragma once
#include <bit>
#include <limits>

#include "kernels/cpu/fold.h"

namespace cg::cpu::CG_ISA {

template <class In, bool Greatest> struct Extreme {
  using Acc = In;
  using Total = In;
  using Limits = std::numeric_limits<In>;
  Acc identity() const {
    if constexpr (std::is_floating_point_v<In>) return Greatest ? -Limits::infinity() : Limits::infinity();
    return Greatest ? Limits::lowest() : Limits::max();
  }
  Acc lift(In x) const { return x; }
  // Once a is NaN no comparison removes it. A bit mask chooses between floats: g++ branches on `greater | unordered`.
  static In merge(In a, In b) {
    if constexpr (std::is_floating_point_v<In>) {
      using Bits = std::conditional_t<sizeof(In) == 4, int32_t, int64_t>;
      const Bits take = -static_cast<Bits>((Greatest ? b > a : b < a) | (b != b));
      return std::bit_cast<In>((std::bit_cast<Bits>(b) & take) | (std::bit_cast<Bits>(a) & ~take));
    } else {
      return Greatest ? std::max(a, b) : std::min(a, b);
    }
  }
};

template <class In> struct PlainSum {
  using Acc = In;
  using Total = double;
  Acc identity() const { return 0; }
  Acc lift(In x) const { return x; }
  template <class V> static V merge(V a, V b) { return a + b; }
};

template <class In> struct SquaredDeviation {
  using Acc = In;
  using Total = double;
  In mean;
  Acc identity() const { return 0; }
  Acc lift(In x) const { return (x - mean) * (x - mean); }
  template <class V> static V merge(V a, V b) { return a + b; }
};

// Chan, Golub and LeVeque 1983: moments of parts give the moments of the whole without cancellation.
struct Moments {
  double count = 0, sum = 0, m2 = 0;

  void merge(const Moments& other) {
    if (other.count == 0) return;
    if (count == 0) return void(*this = other);
    const double delta = other.sum / other.count - sum / count;
    m2 += other.m2 + delta * delta * count * other.count / (count + other.count);
    sum += other.sum;
    count += other.count;
  }
};

// Two passes over a run that fits the L1 cache.
template <class In> Moments moments_of(const In* run, int64_t n) {
  const double sum = fold_run(PlainSum<In>{}, run, n);
  const double count = static_cast<double>(n);
  const double m2 = fold_run(SquaredDeviation<In>{static_cast<In>(sum / count)}, run, n);
  return {count, sum, m2};
}

// Moments of each of `cols` neighbouring columns, in blocks that fit the L2 cache.
template <class In> void add_columns(const In* data, int64_t stride, int64_t rows, int64_t cols, Moments* totals) {
  constexpr int64_t kWidth = 128;
  alignas(64) In sum[kWidth], mean[kWidth], m2[kWidth];
  for (int64_t c = 0; c < cols; c += kWidth)
    for (int64_t r = 0; r < rows; r += kRowsInBlock) {
      const int64_t width = std::min(kWidth, cols - c), height = std::min(kRowsInBlock, rows - r);
      const In* block = data + r * stride + c;
      for (int64_t j = 0; j < width; ++j) sum[j] = m2[j] = 0;
      fold_rows(PlainSum<In>{}, block, stride, height, width, sum);
      for (int64_t j = 0; j < width; ++j) mean[j] = sum[j] / static_cast<In>(height);
      for (int64_t i = 0; i < height; ++i)
        for (int64_t j = 0; j < width; ++j) {
          const In d = block[i * stride + j] - mean[j];
          m2[j] += d * d;
        }
      for (int64_t j = 0; j < width; ++j) totals[c + j].merge({static_cast<double>(height), sum[j], m2[j]});
    }
}

// Moments of the reduced dims; Finish is void(const Moments&, int64_t output).
template <class In, class Finish> class MomentsReduction final : public Reduction {
public:
  explicit MomentsReduction(const Finish& finish) : finish_(finish) {}

  size_t total_size() const override { return sizeof(Moments); }
  void start(void* totals, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k) static_cast<Moments*>(totals)[k] = {};
  }
  void add(const Tile& tile, void* memory) const override {
    Moments* totals = static_cast<Moments*>(memory);
    if (tile.cols > 1 && tile.col_stride == 1 && tile.dtype == DTypeOf<In>::value)
      return add_columns(static_cast<const In*>(tile.data), tile.row_stride, tile.rows, tile.cols, totals);
    for_pieces<In>(
        tile, [&](int64_t column, const In* piece, int64_t n, int64_t) { totals[column].merge(moments_of(piece, n)); });
  }
  void merge(void* totals, const void* later, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k) static_cast<Moments*>(totals)[k].merge(static_cast<const Moments*>(later)[k]);
  }
  void finish(const void* totals, int64_t count, int64_t output, int64_t stride) const override {
    for (int64_t k = 0; k < count; ++k) finish_(static_cast<const Moments*>(totals)[k], output + k * stride);
  }

private:
  Finish finish_;
};

} // namespace cg::cpu::CG_ISA
