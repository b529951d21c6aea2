// Places in order: searching ascending sequences, ordering rows.
#include <algorithm>
#include <numeric>

#include "core/parallel.h"
#include "kernels/cpu/dense.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu {
namespace {

constexpr int64_t kChunk = 4096; // values that one task takes

DType as_bytes(DType dtype) { return dtype == DType::kBool ? DType::kUInt8 : dtype; }

// The first place that does not come before `value`, by halving; NaN comes after everything.
template <class T> int64_t place_of(const T* sequence, const int64_t* sorter, int64_t n, T value, bool right) {
  int64_t begin = 0, end = n;
  while (begin < end) {
    const int64_t middle = begin + (end - begin) / 2;
    const T there = sequence[sorter == nullptr ? middle : sorter[middle]];
    const bool after = right ? there > value : there >= value;
    if (after)
      end = middle;
    else
      begin = middle + 1;
  }
  return begin;
}

} // namespace

Status searchsorted(const Call& call) {
  const View &sequence = call.in[0], &values = call.in[1], &y = call.out[0];
  const bool right = call.integer(0) != 0, sorted = call.integer(1) != 0;
  const int64_t n = sequence.sizes[sequence.rank - 1];
  const bool shared = sequence.rank == 1;
  const int64_t width = shared || values.rank == 0 ? std::max<int64_t>(1, values.numel) : values.sizes[values.rank - 1];
  const Dense from(sequence), what(values), order(sorted ? call.in[2] : values);
  if (!from.ok() || !what.ok() || !order.ok()) return Status::kOutOfMemory;
  return visit(as_bytes(sequence.dtype), Numeric{}, [&]<class T>() {
    return parallel_for(0, values.numel, kChunk, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t line = shared ? 0 : i / width * n;
        y.as<int64_t>()[i] =
            place_of(from.as<T>() + line, sorted ? order.as<int64_t>() + line : nullptr, n, what.as<T>()[i], right);
      }
    });
  });
}

Status sortRows(const Call& call) {
  const View& x = call.in[0];
  const int64_t n = x.sizes[0], m = x.sizes[1];
  const Dense rows(x);
  if (!rows.ok()) return Status::kOutOfMemory;
  int64_t* order = call.out[0].as<int64_t>();
  std::iota(order, order + n, int64_t{0});
  return visit(as_bytes(x.dtype), Numeric{}, [&]<class T>() {
    const T* data = rows.as<T>();
    std::stable_sort(order, order + n, [=](int64_t a, int64_t b) {
      return std::lexicographical_compare(data + a * m, data + (a + 1) * m, data + b * m, data + (b + 1) * m);
    });
    return Status::kOk;
  });
}

} // namespace cg::cpu
