// Copies between views: one dim at a time, or square tiles when source and destination run along different dims.
#include "kernels/cpu/copy.h"

#include <algorithm>
#include <cstring>
#include <immintrin.h>
#include <numeric>

#include "core/pages.h"
#include "core/parallel.h"
#include "core/shape.h"
#include "core/walk.h"
#include "kernels/cpu/table.h"

namespace cg::cpu {
namespace {

constexpr int64_t kGrain = 1 << 15; // elements per chunk
constexpr int64_t kWorthTiling = 8; // elements along both dims
// Bytes from which a transpose writes past the cache: its scattered lines would each be fetched before they are overwritten.
constexpr int64_t kStreamedTranspose = 1 << 19;

// The dims of `dst` and `src` in the order in which `dst` lies in memory.
void sort_dims(View& dst, View& src) {
  int order[kMaxRank];
  std::iota(order, order + dst.rank, 0);
  std::stable_sort(order, order + dst.rank,
                   [&](int a, int b) { return std::abs(dst.strides[a]) > std::abs(dst.strides[b]); });
  const View d = dst, s = src;
  for (int i = 0; i < dst.rank; ++i) {
    dst.sizes[i] = src.sizes[i] = d.sizes[order[i]];
    dst.strides[i] = d.strides[order[i]];
    src.strides[i] = s.strides[order[i]];
  }
}

// A matrix whose rows are contiguous in `dst` and whose columns are contiguous in `src`.
// Strides in bytes.
struct Matrix {
  char* dst;
  const char* src;
  int64_t dst_row, src_col;
  bool streamed; // lines of a tile are aligned, and not read again soon
};

// A tile is a cache line wide on both sides: rows a power of two apart share few cache sets, so a line must be used up at once.
template <class T> constexpr int64_t kTile = 64 / sizeof(T);

template <class T> void transpose_tile(const Matrix& m, int64_t r, int64_t c) {
  constexpr int64_t n = kTile<T>;
  T tile[n][n];
  for (int64_t j = 0; j < n; ++j) std::memcpy(tile[j], m.src + (c + j) * m.src_col + r * sizeof(T), sizeof tile[j]);
  for (int64_t i = 0; i < n; ++i) {
    T line[n];
    for (int64_t j = 0; j < n; ++j) line[j] = tile[j][i];
    char* to = m.dst + (r + i) * m.dst_row + c * sizeof(T);
    if (m.streamed)
      stream(to, line, sizeof line);
    else
      std::memcpy(to, line, sizeof line);
  }
}

template <class T> void transpose_elements(const Matrix& m, int64_t r0, int64_t r1, int64_t c0, int64_t c1) {
  for (int64_t r = r0; r < r1; ++r)
    for (int64_t c = c0; c < c1; ++c)
      std::memcpy(m.dst + r * m.dst_row + c * sizeof(T), m.src + c * m.src_col + r * sizeof(T), sizeof(T));
}

template <class T> void transpose(const Matrix& m, int64_t rows, int64_t cols) {
  const int64_t whole_rows = rows / kTile<T> * kTile<T>, whole_cols = cols / kTile<T> * kTile<T>;
  for (int64_t c = 0; c < whole_cols; c += kTile<T>)
    for (int64_t r = 0; r < whole_rows; r += kTile<T>) transpose_tile<T>(m, r, c);
  transpose_elements<T>(m, 0, whole_rows, whole_cols, cols);
  transpose_elements<T>(m, whole_rows, rows, 0, cols);
}
using Transpose = void (*)(const Matrix&, int64_t rows, int64_t cols);

struct Bytes16 { uint64_t half[2]; };
Transpose transpose_of(size_t size) {
  switch (size) {
  case 1: return transpose<uint8_t>;
  case 2: return transpose<uint16_t>;
  case 4: return transpose<uint32_t>;
  case 8: return transpose<uint64_t>;
  default: return transpose<Bytes16>;
  }
}

// Rows run along `walk`'s dim `row`, columns along its last dim; bands of rows go to the pool.
Status copy_transposed(const Walk<2>& walk, int row, size_t size) {
  constexpr int64_t kBand = 128; // rows: one column of a band is a few cache lines of `src`
  Walk<2> outer = walk;
  outer.sizes[row] = outer.sizes[walk.rank - 1] = 1;
  int64_t matrices = 1;
  for (int d = 0; d < walk.rank; ++d) matrices *= outer.sizes[d];
  const int64_t rows = walk.sizes[row], cols = walk.inner();
  const int64_t bands = (rows + kBand - 1) / kBand;
  const Transpose run = transpose_of(size);
  const bool large = matrices * rows * cols * static_cast<int64_t>(size) >= kStreamedTranspose;
  const int64_t grain = std::max<int64_t>(1, kGrain / (kBand * cols));
  return parallel_for(0, matrices * bands, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item % bands * kBand;
      int64_t matrix = item / bands;
      char *dst = walk.data[0] + first * walk.strides[row][0], *src = walk.data[1] + first * walk.strides[row][1];
      for (int d = walk.rank - 1; d >= 0; --d) {
        const int64_t index = matrix % outer.sizes[d];
        matrix /= outer.sizes[d];
        dst += index * walk.strides[d][0];
        src += index * walk.strides[d][1];
      }
      const bool aligned = reinterpret_cast<uintptr_t>(dst) % 64 == 0 && walk.strides[row][0] % 64 == 0;
      run({dst, src, walk.strides[row][0], walk.inner_strides()[1], large && aligned}, std::min(kBand, rows - first),
          cols);
    }
  });
}

// The dim along which `src` is contiguous while `dst` is contiguous along the last; -1 when there is none.
int transposed_dim(const Walk<2>& walk, int64_t size) {
  if (walk.inner_strides()[0] != size || walk.inner_strides()[1] == 0 || walk.inner() < kWorthTiling) return -1;
  for (int d = 0; d + 1 < walk.rank; ++d)
    if (walk.strides[d][1] == size && walk.sizes[d] >= kWorthTiling) return d;
  return -1;
}

} // namespace

Convert convert(DType dst, DType src) { return (*table().convert)[static_cast<size_t>(dst)][static_cast<size_t>(src)]; }

void stream(void* dst, const void* src, size_t bytes) {
  auto* to = static_cast<__m128i*>(dst);
  const auto* from = static_cast<const __m128i*>(src);
  const size_t words = bytes / sizeof(__m128i);
  for (size_t i = 0; i < words; ++i) _mm_stream_si128(to + i, _mm_loadu_si128(from + i));
  std::memcpy(to + words, from + words, bytes % sizeof(__m128i));
}

Status copy(const View& dst, const View& src) {
  if (dst.numel == 0) return Status::kOk;
  View to = dst, from = expand(src, dst);
  const auto size = static_cast<int64_t>(element_size(dst.dtype));
  if (!to.contiguous()) sort_dims(to, from);
  const Walk<2> walk({&to, &from});

  if (dst.dtype == src.dtype) {
    const int row = transposed_dim(walk, size);
    if (row >= 0) return copy_transposed(walk, row, static_cast<size_t>(size));
  }

  const Convert run = convert(dst.dtype, src.dtype);
  const auto [to_stride, from_stride] = walk.inner_strides();
  const bool dense = walk.rank == 1 && dst.dtype == src.dtype && to_stride == size && from_stride == size;
  const bool streamed = dense && past_caches(dst.data, static_cast<size_t>(dst.numel * size));
  return parallel_for(0, dst.numel, kGrain, [&](int64_t begin, int64_t end) {
    if (streamed) return stream(walk.data[0] + begin * size, walk.data[1] + begin * size, (end - begin) * size);
    Cursor<2> cursor(walk, begin);
    for (int64_t left = end - begin; left > 0;) {
      const int64_t count = std::min(left, cursor.left_in_run());
      run(cursor.at(0), to_stride, cursor.at(1), from_stride, count);
      cursor.advance(count);
      left -= count;
    }
  });
}

} // namespace cg::cpu
