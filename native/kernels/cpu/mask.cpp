// Kernels whose places depend on the values: maskedSelect and its gradient, nonzero. Chunks count first, then each
// knows where it begins.
#include <algorithm>

#include "kernels/cpu/index.h"

namespace cg::cpu {
namespace {

constexpr int64_t kChunk = 16'384;

int64_t chunks_of(int64_t n) { return (n + kChunk - 1) / kChunk; }

// starts[i]: how many elements the chunks before i keep. count(begin, end) says how many of these it keeps.
template <class Count> Status find_starts(int64_t numel, int64_t* starts, const Count& count) {
  const Status status =
      parallel_for(0, numel, kChunk, [&](int64_t begin, int64_t end) { starts[begin / kChunk] = count(begin, end); });
  for (int64_t i = 0, sum = 0; i < chunks_of(numel); ++i) {
    const int64_t kept = starts[i];
    starts[i] = sum;
    sum += kept;
  }
  return status;
}

// Calls fn(cursor, at, n) for the runs of positions begin..end.
template <int N, class Fn> void for_runs(const Walk<N>& walk, int64_t begin, int64_t end, const Fn& fn) {
  Cursor<N> cursor(walk, begin);
  for (int64_t at = begin; at < end;) {
    const int64_t n = std::min(cursor.left_in_run(), end - at);
    fn(cursor, at, n);
    cursor.advance(n);
    at += n;
  }
}

int64_t count_true(const Walk<1>& mask, int64_t begin, int64_t end) {
  int64_t count = 0;
  for_runs(mask, begin, end, [&](const Cursor<1>& cursor, int64_t, int64_t n) {
    for (int64_t i = 0; i < n; ++i) count += *(cursor.at(0) + i * mask.inner_strides()[0]) != 0;
  });
  return count;
}

// The bits of an element that make it nonzero: all, but for the sign of floating-point numbers (-0 is zero).
template <class T> T value_bits(DType dtype) {
  switch (dtype) {
  case DType::kFloat16:
  case DType::kBFloat16:
  case DType::kFloat32:
  case DType::kFloat64: return static_cast<T>(~T{0}) >> 1;
  case DType::kComplex64: return static_cast<T>(0x7fffffff7fffffff);
  default: return static_cast<T>(~T{0});
  }
}

template <class T> struct IsNonzero {
  T bits;
  explicit IsNonzero(DType dtype) : bits(value_bits<T>(dtype)) {}
  bool operator()(const char* at) const { return (*reinterpret_cast<const T*>(at) & bits) != 0; }
};
template <> struct IsNonzero<Bytes16> {
  explicit IsNonzero(DType) {}
  bool operator()(const char* at) const {
    const auto* x = reinterpret_cast<const Bytes16*>(at);
    return ((x->low | x->high) << 1) != 0;
  }
};

} // namespace

Status maskedSelect(const Call& call) {
  const View &x = call.in[0], &mask = call.in[1], &y = call.out[0];
  const Walk<1> flags({&mask});
  const Walk<2> walk({&x, &mask});
  const auto [x_step, mask_step] = walk.inner_strides();
  Scratch starts(std::max<int64_t>(1, chunks_of(x.numel)) * sizeof(int64_t));
  if (!starts.ok()) return Status::kOutOfMemory;
  const Status status =
      find_starts(x.numel, starts.as<int64_t>(), [&](int64_t b, int64_t e) { return count_true(flags, b, e); });
  if (status != Status::kOk) return status;
  return visit_size(x.dtype, [&, x_step = x_step, mask_step = mask_step]<class T>() {
    return parallel_for(0, x.numel, kChunk, [&](int64_t begin, int64_t end) {
      T* to = y.as<T>() + starts.as<int64_t>()[begin / kChunk];
      for_runs(walk, begin, end, [&](const Cursor<2>& cursor, int64_t, int64_t n) {
        constexpr int64_t kBlock = 256; // kept elements are gathered here without a branch
        T kept[kBlock + 1];
        for (int64_t first = 0; first < n; first += kBlock) {
          int64_t count = 0;
          for (int64_t i = first; i < std::min(first + kBlock, n); ++i) {
            kept[count] = *reinterpret_cast<const T*>(cursor.at(0) + i * x_step);
            count += *(cursor.at(1) + i * mask_step) != 0;
          }
          to = std::copy_n(kept, count, to);
        }
      });
    });
  });
}

Status maskedScatterBackward(const Call& call) {
  const View &g = call.in[0], &mask = call.in[1], &dx = call.out[0];
  const Walk<1> flags({&mask});
  const int64_t step = g.rank == 0 ? 0 : g.strides[0], mask_step = flags.inner_strides()[0];
  Scratch starts(std::max<int64_t>(1, chunks_of(mask.numel)) * sizeof(int64_t));
  if (!starts.ok()) return Status::kOutOfMemory;
  const Status status =
      find_starts(mask.numel, starts.as<int64_t>(), [&](int64_t b, int64_t e) { return count_true(flags, b, e); });
  if (status != Status::kOk) return status;
  return visit_size(dx.dtype, [&]<class T>() {
    return parallel_for(0, mask.numel, kChunk, [&](int64_t begin, int64_t end) {
      const T* from = g.as<const T>() + starts.as<int64_t>()[begin / kChunk] * step;
      for_runs(flags, begin, end, [&](const Cursor<1>& cursor, int64_t at, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          const bool kept = *(cursor.at(0) + i * mask_step) != 0;
          dx.as<T>()[at + i] = kept ? *from : T{};
          if (kept) from += step;
        }
      });
    });
  });
}

Status nonzero(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  const Walk<1> walk({&x});
  const int64_t step = walk.inner_strides()[0];
  Scratch starts(std::max<int64_t>(1, chunks_of(x.numel)) * sizeof(int64_t));
  if (!starts.ok()) return Status::kOutOfMemory;
  return visit_size(x.dtype, [&]<class T>() {
    const IsNonzero<T> is_nonzero(x.dtype);
    const Status status = find_starts(x.numel, starts.as<int64_t>(), [&](int64_t begin, int64_t end) {
      int64_t count = 0;
      for_runs(walk, begin, end, [&](const Cursor<1>& cursor, int64_t, int64_t n) {
        for (int64_t i = 0; i < n; ++i) count += is_nonzero(cursor.at(0) + i * step);
      });
      return count;
    });
    if (status != Status::kOk) return status;
    return parallel_for(0, x.numel, kChunk, [&](int64_t begin, int64_t end) {
      int64_t* to = y.as<int64_t>() + starts.as<int64_t>()[begin / kChunk] * x.rank;
      for_runs(walk, begin, end, [&](const Cursor<1>& cursor, int64_t at, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          if (!is_nonzero(cursor.at(0) + i * step)) continue;
          uint64_t rest = static_cast<uint64_t>(at + i);
          for (int d = x.rank - 1; d > 0; rest /= static_cast<uint64_t>(x.sizes[d--]))
            to[d] = static_cast<int64_t>(rest % static_cast<uint64_t>(x.sizes[d]));
          if (x.rank > 0) to[0] = static_cast<int64_t>(rest);
          to += x.rank;
        }
      });
    });
  });
}

} // namespace cg::cpu
