// What a view of a tensor needs to know about all its elements at once: summary, histogram and a thumbnail.
#include <atomic>
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/cpu/fold.h"
#include "kernels/cpu/moments.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// x - x is zero for finite numbers only.
template <class In> bool finite(In x) { return x - x == 0; }

template <class In> struct CountOf {
  enum Kind { kZero, kNotFinite } kind;
  using Acc = std::conditional_t<sizeof(In) == 8, int64_t, int32_t>;
  using Total = int64_t;
  Acc identity() const { return 0; }
  Acc lift(In x) const { return kind == kZero ? x == 0 : !finite(x); }
  template <class V> static V merge(V a, V b) { return a + b; }
};

struct Summary {
  double least = kInfinity, greatest = -kInfinity;
  Moments finite;
  int64_t nans = 0, plus = 0, minus = 0, zeros = 0, first_nan = -1;
};

template <class In> class Stats final : public Reduction {
public:
  explicit Stats(const View& y) : y_(y.as<double>()) {}

  size_t total_size() const override { return sizeof(Summary); }
  void start(void* totals, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k) static_cast<Summary*>(totals)[k] = {};
  }
  void add(const Tile& tile, void* totals) const override {
    Summary& total = *static_cast<Summary*>(totals);
    for_pieces<In>(tile, [&](int64_t, const In* piece, int64_t n, int64_t first) {
      if (fold_run(CountOf<In>{CountOf<In>::kNotFinite}, piece, n) > 0) return add_marked(piece, n, first, total);
      add_finite(piece, n, total);
    });
  }
  void merge(void* totals, const void* later, int64_t) const override {
    Summary& a = *static_cast<Summary*>(totals);
    const Summary& b = *static_cast<const Summary*>(later);
    a.least = std::min(a.least, b.least);
    a.greatest = std::max(a.greatest, b.greatest);
    a.finite.merge(b.finite);
    a.nans += b.nans;
    a.plus += b.plus;
    a.minus += b.minus;
    a.zeros += b.zeros;
    if (a.first_nan < 0) a.first_nan = b.first_nan;
  }
  // Without a finite value there is no least, greatest or mean.
  void finish(const void* totals, int64_t, int64_t, int64_t) const override {
    const Summary& s = *static_cast<const Summary*>(totals);
    const bool some = s.finite.count > 0;
    const double values[9] = {some ? s.least : kNaN,
                              some ? s.greatest : kNaN,
                              some ? s.finite.sum / s.finite.count : kNaN,
                              s.finite.m2,
                              static_cast<double>(s.nans),
                              static_cast<double>(s.plus),
                              static_cast<double>(s.minus),
                              static_cast<double>(s.zeros),
                              static_cast<double>(s.first_nan)};
    for (int i = 0; i < 9; ++i) y_[i] = values[i];
  }

private:
  static void add_finite(const In* run, int64_t n, Summary& total) {
    if (n == 0) return;
    total.least = std::min(total.least, static_cast<double>(fold_run(Extreme<In, false>{}, run, n)));
    total.greatest = std::max(total.greatest, static_cast<double>(fold_run(Extreme<In, true>{}, run, n)));
    total.zeros += fold_run(CountOf<In>{CountOf<In>::kZero}, run, n);
    Moments moments = moments_of(run, n);
    if (!finite(moments.m2)) { // squares of large float32 need a wider type
      alignas(64) double wide[kPiece];
      std::copy_n(run, n, wide);
      moments = moments_of(wide, n);
    }
    total.finite.merge(moments);
  }
  static void add_marked(const In* run, int64_t n, int64_t first, Summary& total) {
    alignas(64) In rest[kPiece];
    int64_t kept = 0;
    for (int64_t i = 0; i < n; ++i) {
      const In x = run[i];
      if (finite(x)) {
        rest[kept++] = x;
        continue;
      }
      if (x != x && total.first_nan < 0) total.first_nan = first + i;
      total.nans += x != x;
      total.plus += x > 0;
      total.minus += x < 0;
    }
    add_finite(rest, kept, total);
  }

  double* y_;
};

class Histogram final : public Reduction {
public:
  Histogram(const View& y, double lo, double hi) : y_(y.as<int64_t>()), bins_(y.numel), lo_(lo), hi_(hi) {}

  size_t total_size() const override { return static_cast<size_t>(bins_) * sizeof(int64_t); }
  void start(void* totals, int64_t) const override { std::fill_n(static_cast<int64_t*>(totals), bins_, 0); }
  void add(const Tile& tile, void* totals) const override {
    const double scale = static_cast<double>(bins_) / (hi_ - lo_);
    int64_t* counts = static_cast<int64_t*>(totals);
    for_pieces<double>(tile, [&](int64_t, const double* piece, int64_t n, int64_t) {
      alignas(64) int32_t bin[kPiece];
      const int32_t last = static_cast<int32_t>(bins_) - 1;
      for (int64_t i = 0; i < n; ++i) {
        const double x = piece[i];
        const bool inside = x >= lo_ && x <= hi_; // false for NaN
        const int32_t k = static_cast<int32_t>(inside ? (x - lo_) * scale : -1.0);
        bin[i] = k < last ? k : last;
      }
      for (int64_t i = 0; i < n; ++i)
        if (bin[i] >= 0) ++counts[bin[i]];
    });
  }
  void merge(void* totals, const void* later, int64_t) const override {
    for (int64_t k = 0; k < bins_; ++k) static_cast<int64_t*>(totals)[k] += static_cast<const int64_t*>(later)[k];
  }
  void finish(const void* totals, int64_t, int64_t, int64_t) const override {
    std::copy_n(static_cast<const int64_t*>(totals), bins_, y_);
  }

private:
  int64_t* y_;
  int64_t bins_;
  double lo_, hi_;
};

enum class Show { kFarthest, kMean, kMin, kMax };

// Each column of the input, over the rows of one box.
struct Columns {
  float *least, *greatest, *sum;
  int32_t* count;
  uint8_t* flags; // 1: NaN, 2: +Infinity, 4: -Infinity
};

void add_row(const float* row, int64_t width, const Columns& to) {
  float *least = to.least, *greatest = to.greatest, *sum = to.sum;
  int32_t* count = to.count;
  uint8_t* flags = to.flags;
  CG_SIMD for (int64_t c = 0; c < width; ++c) {
    const float x = row[c];
    const bool is_finite = finite(x);
    least[c] = std::min(least[c], is_finite ? x : HUGE_VALF);
    greatest[c] = std::max(greatest[c], is_finite ? x : -HUGE_VALF);
    sum[c] += is_finite ? x : 0.0f;
    count[c] += is_finite;
    flags[c] |= static_cast<uint8_t>((x != x) | ((x == HUGE_VALF) << 1) | ((x == -HUGE_VALF) << 2));
  }
}

// A box of columns as one value; NaN when nothing in it is finite.
float shown(const Columns& of, int64_t begin, int64_t end, float center, Show show) {
  float least = HUGE_VALF, greatest = -HUGE_VALF;
  double sum = 0;
  int64_t count = 0;
  for (int64_t c = begin; c < end; ++c) {
    least = std::min(least, of.least[c]);
    greatest = std::max(greatest, of.greatest[c]);
    sum += of.sum[c];
    count += of.count[c];
  }
  if (count == 0) return static_cast<float>(kNaN);
  if (show == Show::kMean) return static_cast<float>(sum / static_cast<double>(count));
  if (show == Show::kMin) return least;
  if (show == Show::kMax) return greatest;
  return greatest - center >= center - least ? greatest : least;
}

struct Range { int64_t begin, end; };
// The part of `size` that box `i` of `boxes` covers: at least one element.
Range box(int64_t i, int64_t boxes, int64_t size) {
  const int64_t begin = i * size / boxes;
  return {begin, std::max(begin + 1, (i + 1) * size / boxes)};
}

} // namespace

// Integers are described in float64.
Status stats(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  const bool narrow = is_floating(x.dtype) && x.dtype != DType::kFloat64;
  return narrow ? reduce(x, all_dims(x), Order::kLogical, Stats<float>(y))
                : reduce(x, all_dims(x), Order::kLogical, Stats<double>(y));
}

Status histogram(const Call& call) {
  const View& x = call.in[0];
  return reduce(x, all_dims(x), Order::kMemory, Histogram(call.out[0], call.attr[0], call.attr[1]));
}

Status thumbnail(const Call& call) {
  const View &x = call.in[0], &values = call.out[0], &flags = call.out[1];
  const float center = static_cast<float>(call.attr[0]);
  const Show show = static_cast<Show>(call.integer(1));
  const int64_t height = values.sizes[0], width = values.sizes[1], rows = x.sizes[0], columns = x.sizes[1];
  if (x.numel == 0) return Status::kOk;
  const Convert read = convert(DType::kFloat32, x.dtype);
  const int64_t size = static_cast<int64_t>(element_size(x.dtype));
  std::atomic<bool> exhausted{false};
  const Status status = parallel_for(0, height, 1, [&](int64_t first, int64_t last) {
    const size_t n = static_cast<size_t>(columns);
    const Scratch scratch(n * (4 * sizeof(float) + sizeof(int32_t) + 1));
    if (!scratch.ok()) return exhausted.store(true);
    float *line = scratch.as<float>(), *least = line + n;
    const Columns column{least, least + n, least + 2 * n, reinterpret_cast<int32_t*>(least + 3 * n),
                         reinterpret_cast<uint8_t*>(least + 4 * n)};
    for (int64_t i = first; i < last; ++i) {
      std::fill_n(column.least, n, HUGE_VALF);
      std::fill_n(column.greatest, n, -HUGE_VALF);
      std::fill_n(column.sum, n, 0.0f);
      std::fill_n(column.count, n, 0);
      std::fill_n(column.flags, n, uint8_t{0});
      const Range r = box(i, height, rows);
      for (int64_t row = r.begin; row < r.end; ++row) {
        read(line, sizeof(float), x.as<char>() + row * x.strides[0] * size, x.strides[1] * size, columns);
        add_row(line, columns, column);
      }
      for (int64_t j = 0; j < width; ++j) {
        const Range c = box(j, width, columns);
        uint8_t seen = 0;
        for (int64_t k = c.begin; k < c.end; ++k) seen |= column.flags[k];
        values.as<float>()[i * width + j] = shown(column, c.begin, c.end, center, show);
        flags.as<uint8_t>()[i * width + j] = seen;
      }
    }
  });
  return exhausted ? Status::kOutOfMemory : status;
}

} // namespace cg::cpu::CG_ISA
