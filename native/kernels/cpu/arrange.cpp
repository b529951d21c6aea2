// Moves of whole blocks: cat, flip, triangles, and the gradient of unfold.
#include <algorithm>

#include "kernels/cpu/copy.h"
#include "kernels/cpu/index.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu {
namespace {

void* element_at(const View& view, int64_t offset) {
  return view.as<char>() + offset * static_cast<int64_t>(element_size(view.dtype));
}

// Row i of every matrix keeps the columns first(i)..last(i); the others become 0.
template <class Bounds> Status keep_columns(const Call& call, const Bounds& bounds) {
  const View &x = call.in[0], &y = call.out[0];
  if (y.numel == 0) return Status::kOk;
  const int64_t rows = x.sizes[x.rank - 2], cols = x.sizes[x.rank - 1], step = x.strides[x.rank - 1];
  const View heads = dims_of(x, 0, x.rank - 1); // the first element of each row
  const Walk<1> walk({&heads});
  return visit_size(x.dtype, [&]<class T>() {
    return parallel_for(0, heads.numel, std::max<int64_t>(1, kIndexGrain / cols), [&](int64_t begin, int64_t end) {
      Cursor<1> cursor(walk, begin);
      for (int64_t row = begin; row < end; ++row, cursor.advance(1)) {
        const auto [first, last] = bounds(row % rows, cols);
        const T* from = reinterpret_cast<const T*>(cursor.at(0));
        T* to = y.as<T>() + row * cols;
        std::fill(to, to + first, T{});
        if (step == 1)
          std::copy(from + first, from + last, to + first);
        else
          for (int64_t j = first; j < last; ++j) to[j] = from[j * step];
        std::fill(to + last, to + cols, T{});
      }
    });
  });
}

struct Columns { int64_t first, last; };

} // namespace

Status cat(const Call& call) {
  const View& y = call.out[0];
  const int64_t dim = call.integer(0);
  int64_t at = 0;
  for (const View& x : call.in) {
    if (x.numel == 0) continue; // also torch's old form of "nothing": one dim of size 0
    View part = y;
    part.data = element_at(y, at * y.strides[dim]);
    part.sizes[dim] = x.sizes[dim];
    part.numel = x.numel;
    if (const Status status = copy(part, x); status != Status::kOk) return status;
    at += x.sizes[dim];
  }
  return Status::kOk;
}

Status flip(const Call& call) {
  View x = call.in[0];
  if (x.numel == 0) return Status::kOk;
  const auto mask = static_cast<uint64_t>(call.integer(0));
  for (int d = 0; d < x.rank; ++d) {
    if ((mask >> d & 1) == 0) continue;
    x.data = element_at(x, (x.sizes[d] - 1) * x.strides[d]);
    x.strides[d] = -x.strides[d];
  }
  return copy(call.out[0], x);
}

Status tril(const Call& call) {
  const int64_t diagonal = call.integer(0);
  return keep_columns(
      call, [diagonal](int64_t i, int64_t cols) { return Columns{0, std::clamp<int64_t>(i + diagonal + 1, 0, cols)}; });
}

Status triu(const Call& call) {
  const int64_t diagonal = call.integer(0);
  return keep_columns(
      call, [diagonal](int64_t i, int64_t cols) { return Columns{std::clamp<int64_t>(i + diagonal, 0, cols), cols}; });
}

// dx[i] along `dim` sums g[w, i - w * step] over the windows w that contain i.
Status unfoldBackward(const Call& call) {
  const View &g = call.in[0], &dx = call.out[0];
  const int dim = static_cast<int>(call.integer(0));
  const int64_t size = call.integer(1), step = call.integer(2);
  if (dx.numel == 0) return Status::kOk;
  const bool scalar = dx.rank == 0;
  const int64_t length = scalar ? 1 : dx.sizes[dim], windows = scalar ? 1 : g.sizes[dim];
  const int64_t dx_step = scalar ? 0 : dx.strides[dim], window_step = scalar ? 0 : g.strides[dim],
                within_step = g.strides[g.rank - 1];
  View lines = dx, sources = g; // one element for each line along dim
  if (!scalar) lines.sizes[dim] = 1;
  lines.numel = dx.numel / length;
  sources.rank = dx.rank;
  std::copy_n(lines.sizes, lines.rank, sources.sizes);
  const Walk<2> walk({&lines, &sources});
  return visit(dx.dtype, Floating{}, [&]<class T>() {
    const int64_t bytes = sizeof(T), to_step = walk.inner_strides()[0] / bytes,
                  from_step = walk.inner_strides()[1] / bytes;
    return parallel_for(0, lines.numel, std::max<int64_t>(1, kIndexGrain / length), [&](int64_t begin, int64_t end) {
      Cursor<2> cursor(walk, begin);
      for (int64_t at = begin; at < end;) {
        const int64_t n = std::min(cursor.left_in_run(), end - at);
        for (int64_t i = 0; i < length; ++i) {
          T* to = reinterpret_cast<T*>(cursor.at(0)) + i * dx_step;
          for (int64_t j = 0; j < n; ++j) to[j * to_step] = T{};
          const int64_t first = i < size ? 0 : (i - size) / step + 1, last = std::min(windows - 1, i / step);
          for (int64_t w = first; w <= last; ++w) {
            const T* from = reinterpret_cast<const T*>(cursor.at(1)) + w * window_step + (i - w * step) * within_step;
            for (int64_t j = 0; j < n; ++j) to[j * to_step] += from[j * from_step];
          }
        }
        cursor.advance(n);
        at += n;
      }
    });
  });
}

} // namespace cg::cpu
