// Draws of one element or row that depend on each other: the arithmetic is that of native/kernels/cpu/sampling.cpp.
#include "core/shape.h"
#include "kernels/philox.h"
#include "kernels/programs/families.h"
#include "kernels/programs/lines.h"
#include "kernels/programs/words.h"

namespace cg::programs {
namespace {

// Uniform in (0, 1], from 53 bits.
const std::string kUnit = R"(
FUNCTION f64 unit(Stream stream, i64 index) {
  Words words = philox(stream, index / 2);
  i32 low = index % 2 != 0 ? 2 : 0;
  u64 bits = (u64)words.w[low + 1] << 32 | words.w[low];
  return (f64)((bits >> 11) + 1) * 1.1102230246251565e-16;
}
)";

// Knuth's product of uniforms below 10; above, Hormann's transformed rejection (PTRS, 1993).
const std::string kPoisson = R"(
FUNCTION f64 sample(Stream stream, i64 next, f64 rate) {
  f64 count = 0;
  if (!(rate > 0)) return rate == 0 ? 0 : rate - rate + (f64)0 / (f64)0;
  if (rate < 10) {
    f64 least = exp(-rate);
    for (f64 product = unit(stream, next++); product > least; product *= unit(stream, next++)) ++count;
    return count;
  }
  f64 log_rate = log(rate), b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
  f64 inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), accept = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    f64 u = unit(stream, next++) - 0.5, v = unit(stream, next++), us = 0.5 - fabs(u);
    count = floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= accept) return count;
    if (count < 0 || (us < 0.013 && v > us)) continue;
    if (log(v) + log(inverse_alpha) - log(a / (us * us) + b) <= -rate + count * log_rate - lgamma(count + 1)) return count;
  }
}
)";

Status text_run(const Context& context, DType dtype, const std::string& body, Launch& launch, int64_t items) {
  return launch.run(context, std::string("typedef ") + storage_name(dtype) + " T;\n" + kPhilox + kUnit + body, items);
}

// The sum of each row's weights so far, then for each draw the first place whose sum reaches it.
Status with_replacement(const Context& context, const Call& call, const void* weights, int64_t rows, int64_t n,
                        int64_t k) {
  const Temporary sums(context, static_cast<size_t>(rows * n) * sizeof(double));
  if (sums.data() == nullptr) return Status::kOutOfMemory;
  const DType dtype = call.in[0].dtype;
  Launch adding;
  adding.buffer(sums.data()).buffer(weights).value(rows).value(n);
  // In order, as on the CPU.
  const Status status = text_run(context, dtype, R"(
KERNEL run(BUFFER(f64, sums), BUFFER(T, weights), i64 rows, i64 n) {
  PLACE(f64, sums); PLACE(T, weights);
  i64 row = ITEM;
  if (row >= rows) return;
  f64 total = 0;
  for (i64 i = 0; i < n; ++i) sums[row * n + i] = total += (f64)weights[row * n + i];
}
)",
                                 adding, rows);
  if (status != Status::kOk) return status;
  Launch choosing;
  choosing.buffer(call.out[0].data).buffer(sums.data()).value(rows * k).value(n).value(k);
  choosing.value(philox_stream(call.attr.data()));
  return text_run(context, dtype, R"(
KERNEL run(BUFFER(i64, y), BUFFER(f64, sums), i64 draws, i64 n, i64 k, Stream stream) {
  PLACE(i64, y); PLACE(f64, sums);
  i64 draw = ITEM;
  if (draw >= draws) return;
  i64 first = draw / k * n, low = 0, high = n;
  f64 point = unit(stream, draw) * sums[first + n - 1];
  while (low < high) {
    i64 middle = (low + high) / 2;
    if (sums[first + middle] < point) low = middle + 1;
    else high = middle;
  }
  y[draw] = low < n ? low : n - 1;
}
)",
                  choosing, rows * k);
}

// Each element arrives after an exponential time with its weight as rate; the first k to arrive are the sample.
Status without_replacement(const Context& context, const Call& call, const void* weights, int64_t rows, int64_t n,
                           int64_t k) {
  const Temporary times(context, static_cast<size_t>(rows * n) * sizeof(double));
  const Temporary firsts(context, static_cast<size_t>(rows * k) * sizeof(double));
  if (times.data() == nullptr || firsts.data() == nullptr) return Status::kOutOfMemory;
  Launch launch;
  launch.buffer(times.data()).buffer(weights).value(rows * n).value(philox_stream(call.attr.data()));
  const Status status = text_run(context, call.in[0].dtype, R"(
KERNEL run(BUFFER(f64, times), BUFFER(T, weights), i64 count, Stream stream) {
  PLACE(f64, times); PLACE(T, weights);
  i64 i = ITEM;
  if (i >= count) return;
  times[i] = weights[i] > 0 ? -log(unit(stream, i)) / (f64)weights[i] : (f64)INF;
}
)",
                                 launch, rows * n);
  if (status != Status::kOk) return status;
  View from = call.in[0], to = call.out[0];
  from.dtype = to.dtype = DType::kFloat64;
  from.data = times.data();
  to.data = firsts.data();
  make_contiguous(from);
  make_contiguous(to);
  const View outs[] = {to, call.out[0]};
  const double attributes[] = {1, 0, 1}; // along dim 1, the smallest, in order
  return topk(context, {{&from, 1}, outs, attributes});
}

} // namespace

Status poisson(const Context& context, const Call& call) {
  const View &rates = call.in[0], &y = call.out[0];
  if (!context.float64() || !floating_program(context, y.dtype) || rates.dtype != y.dtype) return Status::kNoKernel;
  const Dense from(context, rates);
  if (from.status() != Status::kOk) return from.status();
  Launch launch;
  launch.buffer(y.data).buffer(from.data()).value(y.numel).value(philox_stream(call.attr.data()));
  return text_run(context, y.dtype, kPoisson + R"(
KERNEL run(BUFFER(T, y), BUFFER(T, rates), i64 n, Stream stream) {
  PLACE(T, y); PLACE(T, rates);
  i64 i = ITEM;
  if (i < n) y[i] = (T)sample(stream, i << 21, (f64)rates[i]);
}
)",
                  launch, y.numel);
}

Status multinomial(const Context& context, const Call& call) {
  const View &weights = call.in[0], &y = call.out[0];
  if (!context.float64() || !floating_program(context, weights.dtype)) return Status::kNoKernel;
  const Dense from(context, weights);
  if (from.status() != Status::kOk) return from.status();
  const bool replacement = call.integer(3) != 0;
  return (replacement ? with_replacement : without_replacement)(context, call, from.data(), weights.sizes[0],
                                                                weights.sizes[1], y.sizes[1]);
}

} // namespace cg::programs
