// Losses over classes, fused: a row of logits is read once and its log-softmax kept for the gradient.
#include <algorithm>
#include <atomic>
#include <limits>

#include "core/parallel.h"
#include "core/view.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/visit.h"
#include "kernels/cpu/vmath.h"

namespace cg::cpu::CG_ISA {
namespace {

constexpr int64_t kGrain = 8'192; // elements of a chunk of rows

int64_t rows_at_once(int64_t classes) { return std::max<int64_t>(1, kGrain / (classes + 1)); }

// The target of each row and its class weights.
template <class T> struct Targets {
  const int64_t* data;
  int64_t stride, ignored, classes;
  const T* weight; // nullptr: all 1
  int64_t weight_stride;

  Targets(const View& target, const View* w, int64_t ignore_index, int64_t class_count)
      : data(target.as<const int64_t>()), stride(target.strides[0]), ignored(ignore_index), classes(class_count),
        weight(w == nullptr ? nullptr : w->as<const T>()), weight_stride(w == nullptr ? 0 : w->strides[0]) {}

  int64_t operator[](int64_t row) const { return data[row * stride]; }
  bool ignores(int64_t row) const { return (*this)[row] == ignored; }
  T weight_of(int64_t c) const { return weight == nullptr ? T{1} : weight[c * weight_stride]; }

  // A target that is neither a class nor ignored is an error before anything is read through it.
  Status check(int64_t rows) const {
    for (int64_t i = 0; i < rows; ++i) {
      const int64_t c = (*this)[i];
      if (c != ignored && (c < 0 || c >= classes))
        return fail(Status::kIndexOutOfRange, static_cast<double>(c), static_cast<double>(classes));
    }
    return Status::kOk;
  }
};

const View* weight_of(const Call& call, size_t input, size_t flags) {
  return (call.integer(flags) & 1) != 0 ? &call.in[input] : nullptr;
}

// Sixteen running values side by side, so that the loop vectorises without reordering a sum from call to call.
constexpr int64_t kSums = 16;

template <class T> T greatest(const T* x, int64_t n) {
  T best[kSums];
  std::fill_n(best, kSums, -std::numeric_limits<T>::infinity());
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int64_t j = 0; j < kSums; ++j) best[j] = x[i + j] > best[j] ? x[i + j] : best[j];
  T result = *std::max_element(best, best + kSums);
  for (; i < n; ++i) result = std::max(result, x[i]);
  return result;
}

template <class T, class Term> CG_INLINE T sum_of(int64_t n, const Term& term) {
  T sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
    for (int64_t j = 0; j < kSums; ++j) sums[j] += term(i + j);
  for (int64_t j = 0; i + j < n; ++j) sums[j] += term(i + j);
  for (int64_t w = kSums / 2; w > 0; w /= 2)
    for (int64_t j = 0; j < w; ++j) sums[j] += sums[j + w];
  return sums[0];
}

template <class T> Status nll(const Call& call) {
  const View& logp = call.in[0];
  const int64_t rows = logp.sizes[0], row = logp.strides[0], col = logp.strides[1];
  const Targets<T> targets(call.in[1], weight_of(call, 2, 1), call.integer(0), logp.sizes[1]);
  if (const Status status = targets.check(rows); status != Status::kOk) return status;
  T *loss = call.out[0].as<T>(), *w = call.out[1].as<T>();
  return parallel_for(0, rows, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const bool ignored = targets.ignores(i);
      w[i] = ignored ? T{0} : targets.weight_of(targets[i]);
      loss[i] = ignored ? T{0} : -w[i] * logp.as<const T>()[i * row + targets[i] * col];
    }
  });
}

template <class T> Status nll_backward(const Call& call) {
  const View &g = call.in[0], &dlogp = call.out[0];
  const int64_t rows = dlogp.sizes[0], classes = dlogp.sizes[1];
  const Targets<T> targets(call.in[1], weight_of(call, 2, 1), call.integer(0), classes);
  if (const Status status = targets.check(rows); status != Status::kOk) return status;
  return parallel_for(0, rows, rows_at_once(classes), [&](int64_t begin, int64_t end) {
    T* to = dlogp.as<T>();
    std::fill(to + begin * classes, to + end * classes, T{});
    for (int64_t i = begin; i < end; ++i)
      if (!targets.ignores(i))
        to[i * classes + targets[i]] = -targets.weight_of(targets[i]) * g.as<const T>()[i * g.strides[0]];
  });
}

// out[c] = x[c] - max - log(sum of exp(x - max)): in this order large logits lose no digits.
template <class T> void log_softmax_row(const T* x, int64_t step, int64_t classes, T* out) {
  for (int64_t c = 0; c < classes; ++c) out[c] = x[c * step];
  const T shift = greatest(out, classes);
  for (int64_t c = 0; c < classes; ++c) out[c] -= shift;
  const T log_sum = log(sum_of<T>(classes, [&](int64_t c) { return exp(out[c]); }));
  for (int64_t c = 0; c < classes; ++c) out[c] -= log_sum;
}

template <class T> Status cross_entropy(const Call& call) {
  const View& logits = call.in[0];
  const int64_t rows = logits.sizes[0], classes = logits.sizes[1];
  const T smoothing = static_cast<T>(call.attr[2]);
  const Targets<T> targets(call.in[1], weight_of(call, 2, 1), call.integer(0), classes);
  if (const Status status = targets.check(rows); status != Status::kOk) return status;
  T *loss = call.out[0].as<T>(), *w = call.out[1].as<T>();
  return parallel_for(0, rows, rows_at_once(classes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* logp = call.out[2].as<T>() + i * classes;
      log_softmax_row(logits.as<const T>() + i * logits.strides[0], logits.strides[1], classes, logp);
      if (targets.ignores(i)) {
        loss[i] = w[i] = T{0};
        continue;
      }
      w[i] = targets.weight_of(targets[i]);
      loss[i] = -w[i] * logp[targets[i]];
      if (smoothing == T{0}) continue;
      const T spread = sum_of<T>(classes, [&](int64_t c) { return targets.weight_of(c) * logp[c]; });
      loss[i] = (1 - smoothing) * loss[i] - smoothing / static_cast<T>(classes) * spread;
    }
  });
}

// d loss[i] / d logits[c] = (1 - s) w (p[c] - [c = target]) + s / C (p[c] sum(w) - w[c]).
template <class T> Status cross_entropy_backward(const Call& call) {
  const View &g = call.in[0], &logp = call.in[1], &dx = call.out[0];
  const int64_t rows = logp.sizes[0], classes = logp.sizes[1], step = logp.strides[1];
  const Targets<T> targets(call.in[2], weight_of(call, 3, 1), call.integer(0), classes);
  if (const Status status = targets.check(rows); status != Status::kOk) return status;
  const T smoothing = static_cast<T>(call.attr[2]), share = smoothing / static_cast<T>(std::max<int64_t>(1, classes));
  const T weights = sum_of<T>(classes, [&](int64_t c) { return targets.weight_of(c); });
  return parallel_for(0, rows, rows_at_once(classes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* to = dx.as<T>() + i * classes;
      if (targets.ignores(i)) {
        std::fill_n(to, classes, T{});
        continue;
      }
      const T* from = logp.as<const T>() + i * logp.strides[0];
      const T scale = g.as<const T>()[i * g.strides[0]], hit = (1 - smoothing) * targets.weight_of(targets[i]);
      const T factor = scale * (hit + share * weights);
      if (step == 1)
        for (int64_t c = 0; c < classes; ++c) to[c] = factor * exp(from[c]);
      else
        for (int64_t c = 0; c < classes; ++c) to[c] = factor * exp(from[c * step]);
      if (share != T{0})
        for (int64_t c = 0; c < classes; ++c) to[c] -= scale * share * targets.weight_of(c);
      to[targets[i]] -= scale * hit;
    }
  });
}

} // namespace

Status nllLoss(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return nll<T>(call); });
}

Status nllLossBackward(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return nll_backward<T>(call); });
}

Status crossEntropy(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return cross_entropy<T>(call); });
}

Status crossEntropyBackward(const Call& call) {
  return visit(call.in[0].dtype, Floating{}, [&]<class T>() { return cross_entropy_backward<T>(call); });
}

} // namespace cg::cpu::CG_ISA
