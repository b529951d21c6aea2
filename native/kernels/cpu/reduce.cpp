// Reductions over a mask of dims: sums, products, extremes and their places, truth, norms, logsumexp, variance.
#include <cmath>
#include <limits>

#include "core/parallel.h"
#include "kernels/cpu/fold.h"
#include "kernels/cpu/moments.h"
#include "kernels/cpu/place.h"
#include "kernels/cpu/vmath.h"

namespace cg::cpu::CG_ISA {
namespace {

uint32_t mask_of(const Call& call) { return static_cast<uint32_t>(call.integer(0)); }

template <class In, class A, class T> struct Sum {
  using Acc = A;
  using Total = T;
  const View& y;
  double divisor = 1;
  Acc identity() const { return 0; }
  Acc lift(In x) const { return static_cast<Acc>(x); }
  template <class V> static V merge(V a, V b) { return a + b; }
  void finish(Total total, int64_t output) const {
    if constexpr (std::is_floating_point_v<Total>)
      store(y, output, total / divisor);
    else
      store(y, output, total);
  }
};

template <class T> struct Prod {
  using Acc = T;
  using Total = T;
  const View& y;
  Acc identity() const { return 1; }
  Acc lift(T x) const { return x; }
  static Acc merge(Acc a, Acc b) { return a * b; }
  void finish(Total total, int64_t output) const { store(y, output, total); }
};

// How many elements are not zero; `finish` turns the count into any, all or itself.
enum class Truth { kCount, kAny, kAll };
template <class In> struct Count {
  using Acc = std::conditional_t<sizeof(In) == 8, int64_t, int32_t>;
  using Total = int64_t;
  const View& y;
  Truth truth;
  int64_t elements;
  Acc identity() const { return 0; }
  Acc lift(In x) const { return x != In{0}; }
  template <class V> static V merge(V a, V b) { return a + b; }
  void finish(Total total, int64_t output) const {
    if (truth == Truth::kCount) return store(y, output, total);
    store(y, output, static_cast<int64_t>(truth == Truth::kAny ? total > 0 : total == elements));
  }
};

template <class In, bool Greatest> struct ExtremeTo : Extreme<In, Greatest> {
  const View& y;
  explicit ExtremeTo(const View& out) : y(out) {}
  void finish(In total, int64_t output) const { store(y, output, total); }
};

// Norms in float64: squares of float32 neither overflow nor vanish.
enum class Norm { kOne, kTwo, kMax, kMin, kPower };
template <class In, Norm kind> struct VectorNorm {
  using Acc = double;
  using Total = double;
  const View& y;
  double p;
  Acc identity() const { return kind == Norm::kMin ? std::numeric_limits<double>::infinity() : 0; }
  Acc lift(In x) const {
    const double a = __builtin_fabs(static_cast<double>(x));
    if constexpr (kind == Norm::kTwo) return a * a;
    if constexpr (kind == Norm::kPower) return std::pow(a, p);
    return a;
  }
  static Acc merge(Acc a, Acc b) {
    if constexpr (kind == Norm::kMax) return Extreme<double, true>::merge(a, b);
    if constexpr (kind == Norm::kMin) return Extreme<double, false>::merge(a, b);
    return a + b;
  }
  void finish(Total total, int64_t output) const {
    if constexpr (kind == Norm::kTwo) total = std::sqrt(total);
    if constexpr (kind == Norm::kPower) total = std::pow(total, 1 / p);
    store(y, output, total);
  }
};

// Elements become int64 or float64 first, but floats that stay float32 are added as such inside a block.
Status add_up(const Call& call, double divisor) {
  const View &x = call.in[0], &y = call.out[0];
  const uint32_t mask = mask_of(call);
  if (!is_floating(y.dtype))
    return visit_wide(x.dtype, [&]<class In>() -> Status {
      using As = std::conditional_t<std::is_same_v<In, int32_t>, int32_t, int64_t>;
      return fold<As>(x, mask, Sum<As, int64_t, int64_t>{y});
    });
  const bool narrow = is_floating(x.dtype) && x.dtype != DType::kFloat64 && y.dtype != DType::kFloat64;
  if (narrow) return fold<float>(x, mask, Sum<float, float, double>{y, divisor});
  return fold<double>(x, mask, Sum<double, double, double>{y, divisor});
}

Status count(const Call& call, Truth truth) {
  const View &x = call.in[0], &y = call.out[0];
  const uint32_t mask = mask_of(call);
  return visit_wide(x.dtype,
                    [&]<class In>() { return fold<In>(x, mask, Count<In>{y, truth, reduced_count(x, mask)}); });
}

template <bool Greatest> Status extreme(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  return visit_wide(x.dtype, [&]<class In>() { return fold<In>(x, mask_of(call), ExtremeTo<In, Greatest>(y)); });
}

template <bool Greatest> Status extreme_place(const View& x, int64_t dim, const View* values, const View& indices) {
  const uint32_t mask = dim < 0 ? all_dims(x) : one_dim(x, dim);
  return visit_wide(x.dtype, [&]<class In>() {
    return reduce(x, mask, Order::kLogical, ExtremePlace<In, Greatest>(values, indices));
  });
}

// log(sum(exp(x))) kept as the greatest element and the sum of exp(x - greatest).
struct ScaledSum { double greatest, sum; };

template <class In> class LogSumExp final : public Reduction {
public:
  explicit LogSumExp(const View& y) : y_(y) {}

  size_t total_size() const override { return sizeof(ScaledSum); }
  void start(void* totals, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k)
      static_cast<ScaledSum*>(totals)[k] = {-std::numeric_limits<double>::infinity(), 0};
  }
  void add(const Tile& tile, void* memory) const override {
    ScaledSum* totals = static_cast<ScaledSum*>(memory);
    for_pieces<In>(tile, [&](int64_t column, const In* piece, int64_t n, int64_t) {
      const In greatest = fold_run(Extreme<In, true>{}, piece, n);
      const double sum = std::isfinite(greatest) ? fold_run(Exponential<In>{greatest}, piece, n) : 1;
      merge_one(totals[column], {static_cast<double>(greatest), sum});
    });
  }
  void merge(void* totals, const void* later, int64_t count) const override {
    for (int64_t k = 0; k < count; ++k)
      merge_one(static_cast<ScaledSum*>(totals)[k], static_cast<const ScaledSum*>(later)[k]);
  }
  void finish(const void* totals, int64_t count, int64_t output, int64_t stride) const override {
    for (int64_t k = 0; k < count; ++k) {
      const ScaledSum& total = static_cast<const ScaledSum*>(totals)[k];
      const bool finite = std::isfinite(total.greatest);
      store(y_, output + k * stride, finite ? total.greatest + std::log(total.sum) : total.greatest);
    }
  }

private:
  template <class T> struct Exponential {
    using Acc = T;
    using Total = double;
    T greatest;
    Acc identity() const { return 0; }
    Acc lift(T x) const { return exp(x - greatest); }
    template <class V> static V merge(V a, V b) { return a + b; }
  };
  // Infinite or NaN maxima decide the result alone.
  static void merge_one(ScaledSum& total, const ScaledSum& other) {
    const double greatest = Extreme<double, true>::merge(total.greatest, other.greatest);
    if (!std::isfinite(greatest)) return void(total = {greatest, 1});
    total.sum = total.sum * std::exp(total.greatest - greatest) + other.sum * std::exp(other.greatest - greatest);
    total.greatest = greatest;
  }

  const View& y_;
};

} // namespace

Status sum(const Call& call) { return add_up(call, 1); }
Status mean(const Call& call) { return add_up(call, static_cast<double>(reduced_count(call.in[0], mask_of(call)))); }

Status prod(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  if (is_floating(y.dtype)) return fold<double>(x, mask_of(call), Prod<double>{y});
  return fold<int64_t>(x, mask_of(call), Prod<int64_t>{y});
}

Status amax(const Call& call) { return extreme<true>(call); }
Status amin(const Call& call) { return extreme<false>(call); }
Status any(const Call& call) { return count(call, Truth::kAny); }
Status all(const Call& call) { return count(call, Truth::kAll); }
Status countNonzero(const Call& call) { return count(call, Truth::kCount); }

// Reads floats as float32 or float64.
template <class Fn> static Status visit_real(const View& x, Fn&& fn) {
  if (!is_floating(x.dtype)) return fail(Status::kUnsupportedDType);
  return x.dtype == DType::kFloat64 ? fn.template operator()<double>() : fn.template operator()<float>();
}

Status logsumexp(const Call& call) {
  const View& x = call.in[0];
  return visit_real(x,
                    [&]<class In>() { return reduce(x, mask_of(call), Order::kMemory, LogSumExp<In>(call.out[0])); });
}

Status varMean(const Call& call) {
  const View &x = call.in[0], &var = call.out[0], &mean = call.out[1];
  const double correction = call.attr[1];
  const auto finish = [&](const Moments& m, int64_t output) {
    store(var, output, m.m2 / std::max(0.0, m.count - correction)); // as torch: 0 / 0 is NaN, never negative
    store(mean, output, m.sum / m.count);
  };
  return visit_real(x, [&]<class In>() {
    return reduce(x, mask_of(call), Order::kMemory, MomentsReduction<In, decltype(finish)>(finish));
  });
}

Status vectorNorm(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  const uint32_t mask = mask_of(call);
  const double p = call.attr[1];
  if (p == 0) return count(call, Truth::kCount);
  if (p == 2) return visit_real(x, [&]<class In>() { return fold<In>(x, mask, VectorNorm<In, Norm::kTwo>{y, p}); });
  if (p == 1) return fold<double>(x, mask, VectorNorm<double, Norm::kOne>{y, p});
  if (std::isinf(p) && p > 0) return fold<double>(x, mask, VectorNorm<double, Norm::kMax>{y, p});
  if (std::isinf(p)) return fold<double>(x, mask, VectorNorm<double, Norm::kMin>{y, p});
  return fold<double>(x, mask, VectorNorm<double, Norm::kPower>{y, p});
}

Status argmax(const Call& call) { return extreme_place<true>(call.in[0], call.integer(0), nullptr, call.out[0]); }
Status argmin(const Call& call) { return extreme_place<false>(call.in[0], call.integer(0), nullptr, call.out[0]); }
Status maxDim(const Call& call) { return extreme_place<true>(call.in[0], call.integer(0), &call.out[0], call.out[1]); }
Status minDim(const Call& call) { return extreme_place<false>(call.in[0], call.integer(0), &call.out[0], call.out[1]); }

} // namespace cg::cpu::CG_ISA
