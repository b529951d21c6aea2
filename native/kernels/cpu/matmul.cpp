// Matrix products of any strides and any numeric type, one or a batch.
#include <atomic>
#include <concepts>

#include "core/parallel.h"
#include "core/view.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu::CG_ISA {
namespace {

// Integer products wrap as unsigned numbers do; signed vectors would overflow with undefined results.
template <class T> struct Wrapping { using Type = T; };
template <std::integral T> struct Wrapping<T> { using Type = std::make_unsigned_t<T>; };

// Calls fn.operator()<T>() with the type a product of this dtype is computed in.
template <class Fn> Status visit_product(DType dtype, const Fn& fn) {
  return visit(dtype, Numeric{}, [&]<class T>() { return fn.template operator()<typename Wrapping<T>::Type>(); });
}

template <class T> Matrix<T> matrix(const View& x) {
  return {x.as<const T>(), x.strides[x.rank - 2], x.strides[x.rank - 1]};
}

// Strides with 0 where the size is 1, as broadcasting reads them.
int64_t batch_stride(const View& x, int d) { return x.sizes[d] == 1 ? 0 : x.strides[d]; }

// A batch of products; what a batch dim adds to each operand.
struct Batch {
  int rank = 0;
  int64_t count = 1;
  int64_t sizes[kMaxRank], a[kMaxRank], b[kMaxRank];
};

template <class T> Status multiply_batch(const Call& call) {
  const View &a = call.in[0], &b = call.in[1], &y = call.out[0];
  const int dims = y.rank - 2;
  int64_t m = y.sizes[dims];
  const int64_t n = y.sizes[dims + 1], k = a.sizes[dims + 1];
  if (y.numel == 0) return Status::kOk;
  Matrix<T> first = matrix<T>(a);
  const Matrix<T> second = matrix<T>(b);

  // Trailing batch dims in which b repeats are more rows of a: [B,M,K] [K,N] is one product of B*M rows.
  int rank = dims;
  for (; rank > 0 && (batch_stride(b, rank - 1) == 0 || y.sizes[rank - 1] == 1); --rank) {
    const int64_t size = y.sizes[rank - 1], stride = batch_stride(a, rank - 1);
    if (size == 1) continue;
    if (m == 1)
      first.row = stride;
    else if (stride != m * first.row)
      break;
    m *= size;
  }
  Batch batch;
  for (int d = 0; d < rank; ++d) {
    batch.sizes[d] = y.sizes[d];
    batch.a[d] = batch_stride(a, d);
    batch.b[d] = batch_stride(b, d);
    batch.count *= y.sizes[d];
  }
  batch.rank = rank;

  const auto product = [&](int64_t index) {
    int64_t a_offset = 0, b_offset = 0;
    for (int64_t d = batch.rank - 1, rest = index; d >= 0; rest /= batch.sizes[d--]) {
      a_offset += rest % batch.sizes[d] * batch.a[d];
      b_offset += rest % batch.sizes[d] * batch.b[d];
    }
    return gemm<T>(m, n, k, {first.data + a_offset, first.row, first.col},
                   {second.data + b_offset, second.row, second.col}, {1, y.as<T>() + index * m * n, n, nullptr, 0, 0});
  };
  // Large products use the pool themselves, small ones share it.
  const int64_t work = std::max<int64_t>(1, m * n * k);
  if (batch.count == 1 || work > 16 * kInline) {
    for (int64_t i = 0; i < batch.count; ++i)
      if (const Status status = product(i); status != Status::kOk) return status;
    return Status::kOk;
  }
  std::atomic<Status> failed = Status::kOk;
  const Status status =
      parallel_for(0, batch.count, std::max<int64_t>(1, kInline / work), [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          if (const Status one = product(i); one != Status::kOk) failed = one;
      });
  return status != Status::kOk ? status : failed.load();
}

// x [..,K] as a matrix of rows, without a copy where one stride leads from row to row.
struct Rows {
  int64_t count = 1, stride = 0;
  bool uniform = true;
};
Rows rows_of(const View& x) {
  Rows rows;
  for (int d = x.rank - 2; d >= 0; --d) {
    if (x.sizes[d] == 1) continue;
    if (rows.count == 1)
      rows.stride = x.strides[d];
    else if (x.strides[d] != rows.count * rows.stride)
      rows.uniform = false;
    rows.count *= x.sizes[d];
  }
  return rows;
}

} // namespace

Status matmul(const Call& call) {
  return visit_product(call.out[0].dtype, [&]<class T>() { return multiply_batch<T>(call); });
}

Status addmm(const Call& call) {
  const View &c = call.in[0], &a = call.in[1], &b = call.in[2], &y = call.out[0];
  const int64_t m = y.sizes[0], n = y.sizes[1], k = a.sizes[1];
  return visit_product(y.dtype, [&]<class T>() {
    const T beta = static_cast<T>(call.attr[0]), alpha = static_cast<T>(call.attr[1]);
    const int64_t row = c.rank < 2 ? 0 : batch_stride(c, 0), col = c.rank < 1 ? 0 : batch_stride(c, c.rank - 1);
    Target<T> to{alpha, y.as<T>(), n, nullptr, 0, 0}; // beta 0 must not read c, which may hold NaN
    if (beta == T{1} && (col == 0 || col == 1)) {
      to.start = c.as<const T>();
      to.start_row = row;
      to.start_col = col;
    } else if (beta != T{0}) {
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) to.c[i * n + j] = beta * c.as<const T>()[i * row + j * col];
      to.start = to.c;
      to.start_row = n;
      to.start_col = 1;
    }
    return gemm<T>(m, n, k, matrix<T>(a), matrix<T>(b), to);
  });
}

Status linear(const Call& call) {
  const View &x = call.in[0], &w = call.in[1], &y = call.out[0];
  const int64_t n = w.sizes[0], k = w.sizes[1];
  return visit_product(y.dtype, [&]<class T>() {
    const View* bias = call.integer(0) != 0 ? &call.in[2] : nullptr;
    Rows rows = rows_of(x);
    int64_t col = x.strides[x.rank - 1];
    Scratch copied(rows.uniform && (bias == nullptr || bias->strides[0] == 1) ? 0 : (x.numel + n) * sizeof(T));
    if (!copied.ok()) return Status::kOutOfMemory;
    const T* data = x.as<const T>();
    const T* start = bias == nullptr ? nullptr : bias->as<const T>();
    if (!rows.uniform) {
      View packed = x;
      packed.data = copied.as<T>();
      for (int d = x.rank - 1, stride = 1; d >= 0; stride *= x.sizes[d--]) packed.strides[d] = stride;
      if (const Status status = copy(packed, x); status != Status::kOk) return status;
      data = copied.as<T>();
      rows.stride = k;
      col = 1;
    }
    if (bias != nullptr && bias->strides[0] != 1) {
      T* packed = copied.as<T>() + x.numel;
      for (int64_t j = 0; j < n; ++j) packed[j] = start[j * bias->strides[0]];
      start = packed;
    }
    return gemm<T>(rows.count, n, k, {data, rows.stride, col}, matrix<T>(w).transposed(),
                   {1, y.as<T>(), n, start, 0, 1});
  });
}

Status dot(const Call& call) {
  const View &a = call.in[0], &b = call.in[1], &y = call.out[0];
  return visit_product(y.dtype, [&]<class T>() {
    const T *x = a.as<const T>(), *z = b.as<const T>();
    const int64_t dx = a.strides[0], dz = b.strides[0];
    constexpr int64_t kChunk = 32'768;
    Scratch sums(std::max<int64_t>(1, ceil_div(a.numel, kChunk)) * sizeof(T));
    if (!sums.ok()) return Status::kOutOfMemory;
    const Status status = parallel_for(0, a.numel, kChunk, [&](int64_t begin, int64_t end) {
      T sum{};
      if (dx == 1 && dz == 1)
        sum = dot_run(x + begin, z + begin, end - begin);
      else
        for (int64_t i = begin; i < end; ++i) sum += x[i * dx] * z[i * dz];
      sums.as<T>()[begin / kChunk] = sum;
    });
    T total{};
    for (int64_t i = 0; i < ceil_div(a.numel, kChunk); ++i) total += sums.as<T>()[i];
    *y.as<T>() = total;
    return status;
  });
}

} // namespace cg::cpu::CG_ISA
