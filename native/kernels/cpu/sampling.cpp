// Random choices whose draws depend on each other: permutations and multinomial samples.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <numeric>

#include "core/parallel.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/order.h"
#include "kernels/cpu/visit.h"
#include "kernels/philox.h"

namespace cg::cpu {
namespace {

constexpr int64_t kChunk = 4096; // draws that one task takes

// The 64-bit draw `index` of a stream.
uint64_t draw64(const PhiloxStream& stream, uint64_t index) {
  uint32_t words[4];
  philox_block(stream, index / 2, words);
  const uint32_t* pair = words + index % 2 * 2;
  return uint64_t{pair[1]} << 32 | pair[0];
}

// Uniform in (0, 1].
double draw_unit(const PhiloxStream& stream, uint64_t index) {
  return static_cast<double>((draw64(stream, index) >> 11) + 1) * 0x1p-53;
}

// Samples by inverting the cumulative weights; weights of zero are never chosen.
template <class T>
void sample_with_replacement(const PhiloxStream& stream, const T* weights, int64_t n, double* cumulative, int64_t row,
                             int64_t k, int64_t* y) {
  double total = 0;
  in_turn(n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) cumulative[i] = total += static_cast<double>(weights[i]);
  });
  parallel_for(0, k, kChunk, [=](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      const double point = draw_unit(stream, static_cast<uint64_t>(row * k + j)) * total;
      y[j] = std::min(std::lower_bound(cumulative, cumulative + n, point) - cumulative, n - 1);
    }
  });
}

// Each element arrives after an exponential time with its weight as rate; the first k to arrive are the sample.
struct Arrival {
  double time;
  int64_t index;
  friend bool operator<(const Arrival& a, const Arrival& b) {
    return a.time != b.time ? a.time < b.time : a.index < b.index;
  }
};
template <class T>
void sample_without_replacement(const PhiloxStream& stream, const T* weights, int64_t n, Arrival* arrivals, int64_t row,
                                int64_t k, int64_t* y) {
  parallel_for(0, n, kChunk, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const double time =
          -std::log(draw_unit(stream, static_cast<uint64_t>(row * n + i))) / static_cast<double>(weights[i]);
      arrivals[i] = {weights[i] > 0 ? time : HUGE_VAL, i};
    }
  });
  if (k < n) select_nth(arrivals, n, k, std::less<Arrival>());
  intro_sort(arrivals, k, std::less<Arrival>());
  for (int64_t j = 0; j < k; ++j) y[j] = arrivals[j].index;
}

// Draws of one element from a stream of its own: block `element * 2^20` on.
class Draws {
public:
  Draws(const PhiloxStream& stream, int64_t element) : stream_(stream), next_(static_cast<uint64_t>(element) << 21) {}
  double operator()() { return draw_unit(stream_, next_++); }

private:
  const PhiloxStream& stream_;
  uint64_t next_;
};

// Knuth's product of uniforms below 10; above, Hormann's transformed rejection (PTRS, 1993).
double sample_poisson(double rate, Draws draw) {
  if (!(rate > 0)) return rate == 0 ? 0 : NAN;
  if (rate < 10) {
    const double least = std::exp(-rate);
    double count = 0;
    for (double product = draw(); product > least; product *= draw()) ++count;
    return count;
  }
  const double log_rate = std::log(rate), b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), accept = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = draw() - 0.5, v = draw(), us = 0.5 - std::fabs(u);
    const double count = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= accept) return count;
    if (count < 0 || (us < 0.013 && v > us)) continue;
    int sign;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <=
        -rate + count * log_rate - ::lgamma_r(count + 1, &sign))
      return count;
  }
}

} // namespace

Status poisson(const Call& call) {
  const View &rates = call.in[0], &y = call.out[0];
  const PhiloxStream stream = philox_stream(call.attr.data());
  const Dense input(rates);
  if (!input.ok()) return Status::kOutOfMemory;
  return visit(rates.dtype, Floating{}, [&]<class T>() {
    return parallel_for(0, y.numel, kChunk, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        y.as<T>()[i] = static_cast<T>(sample_poisson(static_cast<double>(input.as<T>()[i]), Draws(stream, i)));
    });
  });
}

// Fisher and Yates; Lemire's multiplication makes a word a position, with a bias of n / 2^32 at most.
Status randperm(const Call& call) {
  int64_t* y = call.out[0].as<int64_t>();
  const int64_t n = call.out[0].numel;
  const PhiloxStream stream = philox_stream(call.attr.data());
  in_turn(n, [=](int64_t begin, int64_t end) { std::iota(y + begin, y + end, begin); });
  constexpr int64_t kBatch = 1024;
  uint32_t words[kBatch];
  for (int64_t first = 0; first < n; first += kBatch) {
    const int64_t count = std::min(kBatch, n - first);
    philox_words(stream, static_cast<uint64_t>(first / 4), (count + 3) / 4, words);
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t left = static_cast<uint64_t>(n - first - i);
      std::swap(y[first + i], y[first + i + static_cast<int64_t>(words[i] * left >> 32)]);
    }
    if (cancelled()) return fail(Status::kCancelled);
  }
  return Status::kOk;
}

Status multinomial(const Call& call) {
  const View &weights = call.in[0], &y = call.out[0];
  const int64_t rows = weights.sizes[0], n = weights.sizes[1], k = y.sizes[1];
  const bool replacement = call.integer(3) != 0;
  const PhiloxStream stream = philox_stream(call.attr.data());
  const Dense input(weights);
  if (!input.ok()) return Status::kOutOfMemory;
  return visit(weights.dtype, Floating{}, [&]<class T>() {
    std::atomic<bool> exhausted{false};
    const Status status = parallel_for(0, rows, 1, [&](int64_t begin, int64_t end) {
      const Scratch work(static_cast<size_t>(n) * (replacement ? sizeof(double) : sizeof(Arrival)));
      if (!work.ok()) return exhausted.store(true);
      for (int64_t row = begin; row < end; ++row) {
        const T* from = input.as<T>() + row * n;
        int64_t* to = y.as<int64_t>() + row * k;
        if (replacement)
          sample_with_replacement(stream, from, n, work.as<double>(), row, k, to);
        else
          sample_without_replacement(stream, from, n, work.as<Arrival>(), row, k, to);
      }
    });
    return exhausted ? Status::kOutOfMemory : status;
  });
}

} // namespace cg::cpu
