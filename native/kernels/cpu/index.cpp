// Reading by index: gather, indexSelect, index, embedding. One loop serves all; its index repeats along the dims that
// are copied whole.
#include "kernels/cpu/index.h"

#include <atomic>

namespace cg::cpu {

Status check_indices(const View& index, int64_t size, int64_t lowest) {
  const Walk<1> walk({&index});
  const int64_t step = walk.inner_strides()[0];
  std::atomic<bool> found = false;
  std::atomic<int64_t> wrong = 0;
  const Status status = parallel_for(0, index.numel, kIndexGrain, [&](int64_t begin, int64_t end) {
    Cursor<1> cursor(walk, begin);
    for (int64_t at = begin; at < end;) {
      const int64_t n = std::min(cursor.left_in_run(), end - at);
      uint64_t signs =
          0; // the top bit is set by value - lowest < 0 or size - 1 - value < 0: no comparison, so that it vectorises
      const auto least = static_cast<uint64_t>(lowest), most = static_cast<uint64_t>(size);
      const auto gather_signs = [&](int64_t stride) {
        for (int64_t i = 0; i < n; ++i) {
          const uint64_t value = *reinterpret_cast<const uint64_t*>(cursor.at(0) + i * stride);
          signs |= (value - least) | (most - 1 - value);
        }
      };
      if (step == sizeof(int64_t))
        gather_signs(sizeof(int64_t));
      else
        gather_signs(step);
      for (int64_t i = 0; signs >> 63 != 0 && i < n; ++i) {
        const int64_t value = *reinterpret_cast<const int64_t*>(cursor.at(0) + i * step);
        if (value < lowest || value >= size) wrong = value, found = true;
      }
      cursor.advance(n);
      at += n;
    }
  });
  if (found)
    return fail(Status::kIndexOutOfRange, static_cast<double>(wrong), static_cast<double>(size),
                static_cast<double>(lowest));
  return status;
}

Status resolve_indices(std::span<const View> indices, const int64_t* sizes, const int64_t* strides, int64_t* offsets) {
  for (size_t k = 0; k < indices.size(); ++k) {
    if (const Status status = check_indices(indices[k], sizes[k], -sizes[k]); status != Status::kOk) return status;
    const Walk<1> walk({&indices[k]});
    const int64_t step = walk.inner_strides()[0], size = sizes[k], stride = strides[k];
    const Status status = parallel_for(0, indices[k].numel, kIndexGrain, [&](int64_t begin, int64_t end) {
      Cursor<1> cursor(walk, begin);
      for (int64_t at = begin; at < end;) {
        const int64_t n = std::min(cursor.left_in_run(), end - at);
        for (int64_t i = 0; i < n; ++i) {
          const int64_t offset = wrap(*reinterpret_cast<const int64_t*>(cursor.at(0) + i * step), size) * stride;
          offsets[at + i] = k == 0 ? offset : offsets[at + i] + offset;
        }
        cursor.advance(n);
        at += n;
      }
    });
    if (status != Status::kOk) return status;
  }
  return Status::kOk;
}

View offsets_view(int64_t* data, const View& like) {
  View offsets = like;
  offsets.data = data;
  offsets.dtype = DType::kInt64;
  int64_t stride = 1;
  for (int d = like.rank - 1; d >= 0; stride *= like.sizes[d--]) offsets.strides[d] = stride;
  return offsets;
}

namespace {

template <class T> void copy_run(char* to, int64_t to_step, const char* from, int64_t from_step, int64_t n) {
  if (to_step == sizeof(T) && from_step == sizeof(T)) return void(std::memcpy(to, from, n * sizeof(T)));
  for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * to_step, from + i * from_step, sizeof(T));
}

// y[i] = element of x at its place for i plus wrap(index[i]) * unit elements. The three views have one shape.
Status take(const View& y, const View& x, const View& index, int64_t size, int64_t unit) {
  return visit_size(y.dtype, [&]<class T>() {
    const Walk<3> walk({&y, &x, &index});
    const auto [y_step, x_step, index_step] = walk.inner_strides();
    return parallel_for(0, y.numel, kIndexGrain,
                        [&, y_step = y_step, x_step = x_step, index_step = index_step](int64_t begin, int64_t end) {
                          Cursor<3> cursor(walk, begin);
                          for (int64_t at = begin; at < end;) {
                            const int64_t n = std::min(cursor.left_in_run(), end - at);
                            const char* i = cursor.at(2);
                            const auto source = [&](int64_t j) {
                              const int64_t value = *reinterpret_cast<const int64_t*>(i + j * index_step);
                              return cursor.at(1) + wrap(value, size) * unit * static_cast<int64_t>(sizeof(T));
                            };
                            if (index_step == 0)
                              copy_run<T>(cursor.at(0), y_step, source(0), x_step, n);
                            else
                              for (int64_t j = 0; j < n; ++j)
                                std::memcpy(cursor.at(0) + j * y_step, source(j) + j * x_step, sizeof(T));
                            cursor.advance(n);
                            at += n;
                          }
                        });
  });
}

} // namespace

Status gather(const Call& call) {
  const View &index = call.in[1], &y = call.out[0];
  if (y.numel == 0) return Status::kOk;
  View x = call.in[0];
  const bool scalar = x.rank == 0; // one element, index 0
  const int64_t dim = call.integer(0), size = scalar ? 1 : x.sizes[dim], unit = scalar ? 0 : x.strides[dim];
  if (const Status status = check_indices(index, size); status != Status::kOk) return status;
  if (!scalar) x.strides[dim] = 0;
  return take(y, x, index, size, unit);
}

Status indexSelect(const Call& call) {
  const View& y = call.out[0];
  View x = call.in[0], index = y;
  const bool scalar = x.rank == 0;
  const int64_t dim = call.integer(0), size = scalar ? 1 : x.sizes[dim], unit = scalar ? 0 : x.strides[dim];
  if (const Status status = check_indices(call.in[1], size); status != Status::kOk) return status;
  if (y.numel == 0) return Status::kOk;
  index.data = call.in[1].data;
  index.dtype = DType::kInt64;
  std::fill_n(index.strides, index.rank, 0);
  if (!scalar) x.strides[dim] = 0, index.strides[dim] = call.in[1].rank == 0 ? 0 : call.in[1].strides[0];
  return take(y, x, index, size, unit);
}

Status index(const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  const auto indices = call.in.subspan(1);
  const int count = static_cast<int>(indices.size()), dims = indices[0].rank, rest = x.rank - count;
  Scratch offsets(std::max<int64_t>(1, indices[0].numel) * sizeof(int64_t));
  if (!offsets.ok()) return Status::kOutOfMemory;
  if (const Status status = resolve_indices(indices, x.sizes, x.strides, offsets.as<int64_t>()); status != Status::kOk)
    return status;
  if (y.numel == 0) return Status::kOk;
  const View places = offsets_view(offsets.as<int64_t>(), indices[0]);
  View from = y, at = y; // both [S, rest]
  from.data = x.data;
  at.data = places.data;
  at.dtype = DType::kInt64;
  for (int d = 0; d < dims; ++d) from.strides[d] = 0, at.strides[d] = places.strides[d];
  for (int d = 0; d < rest; ++d) from.strides[dims + d] = x.strides[count + d], at.strides[dims + d] = 0;
  return take(y, from, at, 0, 1);
}

Status embedding(const Call& call) {
  const View &weight = call.in[0], &index = call.in[1], &y = call.out[0];
  if (const Status status = check_indices(index, weight.sizes[0]); status != Status::kOk) return status;
  if (y.numel == 0) return Status::kOk;
  View from = y, at = y; // both [*index, D]
  from.data = weight.data;
  at.data = index.data;
  at.dtype = DType::kInt64;
  for (int d = 0; d < index.rank; ++d) from.strides[d] = 0, at.strides[d] = index.strides[d];
  from.strides[index.rank] = weight.strides[1];
  at.strides[index.rank] = 0;
  return take(y, from, at, weight.sizes[0], weight.strides[0]);
}

} // namespace cg::cpu
