// Products of complex numbers: prod, cumprod, and matrix products by their real and imaginary parts.
#include "kernels/cpu/complex_kernels.h"

#include <algorithm>

#include "core/parallel.h"
#include "core/shape.h"
#include "core/walk.h"
#include "kernels/cpu/complex_math.h"

namespace cg::cpu {
namespace {

constexpr int64_t kGrain = 1 << 13; // elements per chunk

// Calls fn.operator()<T>() with the type of the parts.
template <class Fn> Status visit_parts(DType dtype, const Fn& fn) {
  return dtype == DType::kComplex64 ? fn.template operator()<float>() : fn.template operator()<double>();
}

// `x` with the dims of `mask` last.
View reduced_last(const View& x, uint32_t mask) {
  View sorted = x;
  int at = 0;
  for (const bool reduced : {false, true})
    for (int d = 0; d < x.rank; ++d) {
      if ((mask >> d & 1u) != reduced) continue;
      sorted.sizes[at] = x.sizes[d];
      sorted.strides[at++] = x.strides[d];
    }
  return sorted;
}

// One part of a complex view.
View part_of(const View& x, int part) {
  View real = x;
  real.dtype = real_part(x.dtype);
  real.data = x.as<char>() + part * static_cast<int64_t>(element_size(real.dtype));
  for (int d = 0; d < x.rank; ++d) real.strides[d] *= 2;
  return real;
}

} // namespace

Status complex_prod(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  if (y.numel == 0) return Status::kOk;
  const View sorted = reduced_last(x, static_cast<uint32_t>(call.integer(0)));
  const int64_t count = x.numel / y.numel;
  return visit_parts(x.dtype, [&]<class T>() {
    using C = std::complex<T>;
    if (count == 0) return std::fill_n(y.as<C>(), y.numel, C(1)), Status::kOk;
    const Walk<1> walk({&sorted});
    return parallel_for(0, y.numel, std::max<int64_t>(1, kGrain / count), [&](int64_t begin, int64_t end) {
      Cursor<1> cursor(walk, begin * count);
      for (int64_t i = begin; i < end; ++i) {
        C total(1);
        for (int64_t k = 0; k < count; ++k) {
          total = complex_math::mul(total, *reinterpret_cast<const C*>(cursor.at(0)));
          cursor.advance(1);
        }
        y.as<C>()[i] = total;
      }
    });
  });
}

Status complex_cumprod(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  if (y.numel == 0) return Status::kOk;
  const uint32_t mask = x.rank == 0 ? 0 : 1u << call.integer(0);
  const View from = reduced_last(x, mask), to = reduced_last(y, mask);
  const int64_t n = x.rank == 0 ? 1 : x.sizes[call.integer(0)];
  return visit_parts(x.dtype, [&]<class T>() {
    using C = std::complex<T>;
    const Walk<2> walk({&to, &from});
    return parallel_for(0, y.numel / n, std::max<int64_t>(1, kGrain / n), [&](int64_t begin, int64_t end) {
      Cursor<2> cursor(walk, begin * n);
      for (int64_t line = begin; line < end; ++line) {
        C total(1);
        for (int64_t i = 0; i < n; ++i) {
          total = complex_math::mul(total, *reinterpret_cast<const C*>(cursor.at(1)));
          *reinterpret_cast<C*>(cursor.at(0)) = total;
          cursor.advance(1);
        }
      }
    });
  });
}

Status complex_product(Kernel run, const Call& call) {
  const View &a = call.in[0], &b = call.in[1], &y = call.out[0];
  if (y.numel == 0) return Status::kOk;
  return visit_parts(y.dtype, [&]<class T>() -> Status {
    Scratch memory(2 * static_cast<size_t>(y.numel) * sizeof(T));
    if (!memory.ok()) return Status::kOutOfMemory;
    View same = y; // a.re * b.part, then a.im * b's other part
    same.dtype = real_part(y.dtype);
    same.data = memory.as<T>();
    make_contiguous(same);
    View crossed = same;
    crossed.data = memory.as<T>() + y.numel;
    for (const int part : {0, 1}) {
      const View first[] = {part_of(a, 0), part_of(b, part)}, second[] = {part_of(a, 1), part_of(b, 1 - part)};
      if (const Status status = run({first, {&same, 1}, call.attr}); status != Status::kOk) return status;
      if (const Status status = run({second, {&crossed, 1}, call.attr}); status != Status::kOk) return status;
      const T sign = part == 0 ? T(-1) : T(1);
      const Status status = parallel_for(0, y.numel, kGrain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) y.as<T>()[2 * i + part] = same.as<T>()[i] + sign * crossed.as<T>()[i];
      });
      if (status != Status::kOk) return status;
    }
    return Status::kOk;
  });
}

} // namespace cg::cpu
