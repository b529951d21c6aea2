// Writing by index: scatter, indexAdd, indexPut and the gradient of an embedding. Several values may meet in one place;
// they do so in order.
#include <algorithm>
#include <complex>

#include "core/parallel.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/index.h"
#include "kernels/cpu/visit.h"

namespace cg::cpu {
namespace {

enum class Mode { kSet, kAdd, kMultiply, kLargest, kSmallest };

// self[place + wrap(index) * unit] takes values, for every position of two walks: along `serial` dims positions may
// meet in one place, along `parallel` dims they cannot. The operands of a walk are self (without what the index
// decides), index and values.
struct Put {
  Walk<3> serial, parallel;
  int64_t serial_count, parallel_count;
  int64_t size, unit; // of the indexed dim: for wrapping, and bytes from index to index
  double alpha;
};

template <class T, class Merge>
void put_run(char* self, int64_t self_step, const char* index, int64_t index_step, const char* values, int64_t step,
             int64_t n, const Put& put, const Merge& merge) {
  if (index_step == 0) {
    self += wrap(*reinterpret_cast<const int64_t*>(index), put.size) * put.unit;
    if (self_step == sizeof(T) && step == sizeof(T)) {
      T* to = reinterpret_cast<T*>(self);
      const T* from = reinterpret_cast<const T*>(values);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i) merge(to[i], from[i]);
    } else {
      for (int64_t i = 0; i < n; ++i)
        merge(*reinterpret_cast<T*>(self + i * self_step), *reinterpret_cast<const T*>(values + i * step));
    }
    return;
  }
  in_turn(n, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t at = wrap(*reinterpret_cast<const int64_t*>(index + i * index_step), put.size) * put.unit;
      merge(*reinterpret_cast<T*>(self + at + i * self_step), *reinterpret_cast<const T*>(values + i * step));
    }
  });
}

// Calls fn(at, strides, n) for the runs of positions begin..end of a walk whose operands start `moved` bytes further.
template <class Fn>
void for_runs(const Walk<3>& walk, int64_t begin, int64_t end, const std::array<int64_t, 3>& moved, const Fn& fn) {
  if (walk.rank == 1) {
    const std::array<int64_t, 3>& step = walk.inner_strides();
    std::array<char*, 3> at;
    for (int k = 0; k < 3; ++k) at[k] = walk.data[k] + moved[k] + begin * step[k];
    return fn(at, step, end - begin);
  }
  Cursor<3> cursor(walk, begin);
  for (int64_t at = begin; at < end;) {
    const int64_t n = std::min(cursor.left_in_run(), end - at);
    fn(std::array<char*, 3>{cursor.at(0) + moved[0], cursor.at(1) + moved[1], cursor.at(2) + moved[2]},
       walk.inner_strides(), n);
    cursor.advance(n);
    at += n;
  }
}

int64_t widest(const std::array<int64_t, 3>& strides) {
  return std::max({std::abs(strides[0]), std::abs(strides[1]), std::abs(strides[2])});
}

template <class T, class Merge> Status run_put(const Put& put, const Merge& merge) {
  const auto write = [&](const std::array<char*, 3>& at, const std::array<int64_t, 3>& step, int64_t n) {
    put_run<T>(at[0], step[0], at[1], step[1], at[2], step[2], n, put, merge);
  };
  // The loop with the shorter steps goes inside. Chunks along the parallel dims span whole cache lines.
  const bool serial_inside =
      put.parallel_count == 1 || widest(put.serial.inner_strides()) < widest(put.parallel.inner_strides());
  const int64_t least = serial_inside ? 1 : 64,
                grain = std::max(least, kIndexGrain / std::max<int64_t>(1, put.serial_count));
  return parallel_for(0, put.parallel_count, grain, [&](int64_t begin, int64_t end) {
    const Walk<3>& outer = serial_inside ? put.parallel : put.serial;
    const Walk<3>& inner = serial_inside ? put.serial : put.parallel;
    const int64_t outer_begin = serial_inside ? begin : 0, outer_end = serial_inside ? end : put.serial_count;
    const int64_t inner_begin = serial_inside ? 0 : begin, inner_end = serial_inside ? put.serial_count : end;
    for_runs(outer, outer_begin, outer_end, {0, 0, 0}, [&](const auto& at, const auto& step, int64_t n) {
      std::array<int64_t, 3> moved;
      for (int64_t i = 0; i < n && !cancelled(); ++i) {
        for (int k = 0; k < 3; ++k) moved[k] = at[k] - outer.data[k] + i * step[k];
        for_runs(inner, inner_begin, inner_end, moved, write);
      }
    });
  });
}

Status run_put(const Put& put, DType dtype, Mode mode) {
  if (mode == Mode::kSet)
    return visit_size(dtype, [&]<class T>() { return run_put<T>(put, [](T& to, const T& value) { to = value; }); });
  if (mode == Mode::kMultiply && is_complex(dtype)) {
    const auto multiply = [](auto& to, const auto& value) { to *= value; };
    return dtype == DType::kComplex64 ? run_put<std::complex<float>>(put, multiply)
                                      : run_put<std::complex<double>>(put, multiply);
  }
  return visit(dtype, AllTypes{}, [&]<class T>() {
    const T alpha = static_cast<T>(put.alpha);
    if (mode == Mode::kMultiply) return run_put<T>(put, [](T& to, const T& value) { to = static_cast<T>(to * value); });
    if (mode == Mode::kLargest)
      return run_put<T>(put, [](T& to, const T& value) { to = to != to || to >= value ? to : value; });
    if (mode == Mode::kSmallest)
      return run_put<T>(put, [](T& to, const T& value) { to = to != to || to <= value ? to : value; });
    return run_put<T>(put, [alpha](T& to, const T& value) { to = static_cast<T>(to + alpha * value); });
  });
}

// Puts along one dim: index and values have the shape of the positions, self is met with `dim` replaced by the index.
Status put_along(View self, const View& index, const View& values, int dim, double alpha, Mode mode) {
  if (values.numel == 0) return Status::kOk;
  const int64_t size = self.rank == 0 ? 1 : self.sizes[dim], bytes = static_cast<int64_t>(element_size(self.dtype));
  const int64_t unit = self.rank == 0 ? 0 : self.strides[dim] * bytes;
  const auto split = [&](View view, bool along) { // the indexed dim, or the others
    View part = view;
    part.rank = 0;
    part.numel = 1;
    for (int d = 0; d < view.rank; ++d)
      if ((d == dim) == along) {
        part.sizes[part.rank] = values.sizes[d];
        part.strides[part.rank++] = view.strides[d];
        part.numel *= values.sizes[d];
      }
    return part;
  };
  if (self.rank > 0) self.strides[dim] = 0;
  const View serial[] = {split(self, true), split(index, true), split(values, true)};
  const View parallel[] = {split(self, false), split(index, false), split(values, false)};
  const Put put{Walk<3>({&serial[0], &serial[1], &serial[2]}),
                Walk<3>({&parallel[0], &parallel[1], &parallel[2]}),
                serial[0].numel,
                parallel[0].numel,
                size,
                unit,
                alpha};
  return run_put(put, self.dtype, mode);
}

// `value` as an element of the dtype, repeated over the shape of `like`.
View repeated(double value, DType dtype, const View& like, Bytes16& element) {
  convert(dtype, DType::kFloat64)(&element, 0, &value, 0, 1);
  View view = like;
  view.data = &element;
  view.dtype = dtype;
  std::fill_n(view.strides, view.rank, 0);
  return view;
}

} // namespace

Status scatter(const Call& call) {
  const View &index = call.in[0], &self = call.out[0];
  const int dim = static_cast<int>(call.integer(0));
  const Status status = check_indices(index, self.rank == 0 ? 1 : self.sizes[dim]);
  if (status != Status::kOk) return status;
  View values = call.in[1]; // may be larger than the index; the shape of the index counts
  std::copy_n(index.sizes, index.rank, values.sizes);
  values.numel = index.numel;
  return put_along(self, index, values, dim, 1, static_cast<Mode>(call.integer(1)));
}

Status scatterValue(const Call& call) {
  const View &index = call.in[0], &self = call.out[0];
  const int dim = static_cast<int>(call.integer(0));
  const Status status = check_indices(index, self.rank == 0 ? 1 : self.sizes[dim]);
  if (status != Status::kOk) return status;
  Bytes16 element{};
  return put_along(self, index, repeated(call.attr[1], self.dtype, index, element), dim, 1,
                   static_cast<Mode>(call.integer(2)));
}

Status indexAdd(const Call& call) {
  const View &list = call.in[0], &values = call.in[1], &self = call.out[0];
  const int dim = static_cast<int>(call.integer(0));
  const Status status = check_indices(list, self.rank == 0 ? 1 : self.sizes[dim]);
  if (status != Status::kOk) return status;
  View index = values;
  index.data = list.data;
  index.dtype = DType::kInt64;
  std::fill_n(index.strides, index.rank, 0);
  if (values.rank > 0) index.strides[dim] = list.rank == 0 ? 0 : list.strides[0];
  return put_along(self, index, values, dim, call.attr[1], Mode::kAdd);
}

Status indexPut(const Call& call) {
  const auto indices = call.in.first(call.in.size() - 1);
  const View &values = call.in.back(), &self = call.out[0];
  const int count = static_cast<int>(indices.size()), dims = indices[0].rank;
  Scratch offsets(std::max<int64_t>(1, indices[0].numel) * sizeof(int64_t));
  if (!offsets.ok()) return Status::kOutOfMemory;
  const Status status = resolve_indices(indices, self.sizes, self.strides, offsets.as<int64_t>());
  if (status != Status::kOk || values.numel == 0) return status;

  // Serial over S, parallel over the rest of self.
  const View places = offsets_view(offsets.as<int64_t>(), indices[0]), rest = dims_of(self, count, self.rank);
  View fixed = places, repeat = rest;
  fixed.data = self.data;
  fixed.dtype = self.dtype;
  std::fill_n(fixed.strides, dims, 0);
  repeat.data = places.data;
  repeat.dtype = DType::kInt64;
  std::fill_n(repeat.strides, repeat.rank, 0);
  const View serial_values = dims_of(values, 0, dims), rest_values = dims_of(values, dims, values.rank);
  const Put put{Walk<3>({&fixed, &places, &serial_values}),
                Walk<3>({&rest, &repeat, &rest_values}),
                places.numel,
                rest.numel,
                0,
                static_cast<int64_t>(element_size(self.dtype)),
                1};
  return run_put(put, self.dtype, call.integer(0) != 0 ? Mode::kAdd : Mode::kSet);
}

Status embeddingBackward(const Call& call) {
  const View &g = call.in[0], &index = call.in[1], &dw = call.out[0];
  const int64_t vocabulary = dw.sizes[0], width = dw.sizes[1], count = index.numel, padding = call.integer(0), one = 1;
  return visit(dw.dtype, Floating{}, [&]<class T>() {
    Scratch rows(std::max<int64_t>(1, count) * sizeof(int64_t)), copied(g.contiguous() ? 0 : g.numel * sizeof(T));
    if (!rows.ok() || !copied.ok()) return fail(Status::kOutOfMemory);
    Status status = resolve_indices({&index, 1}, &vocabulary, &one, rows.as<int64_t>());
    const T* from = g.as<const T>();
    if (!g.contiguous() && status == Status::kOk) {
      View contiguous = offsets_view(copied.as<int64_t>(), g);
      contiguous.dtype = g.dtype;
      status = copy(contiguous, g);
      from = copied.as<const T>();
    }
    if (status != Status::kOk) return status;
    // Each chunk owns some rows of dw and adds what belongs there: a sum is always taken in the order of the index.
    constexpr int64_t kOwners = 16;
    const bool small = dw.numel + g.numel <= kIndexGrain;
    const int64_t owned = small ? std::max<int64_t>(1, vocabulary) : (vocabulary + kOwners - 1) / kOwners;
    Scratch order(std::max<int64_t>(1, count) * sizeof(int64_t)); // positions in the index, by owner
    if (!order.ok()) return fail(Status::kOutOfMemory);
    int64_t first[kOwners + 1] = {};
    const auto owner = [&](int64_t i) { return rows.as<int64_t>()[i] / owned; };
    for (int64_t i = 0; i < count; ++i) ++first[owner(i) + 1];
    for (int64_t k = 0; k < kOwners; ++k) first[k + 1] += first[k];
    int64_t next[kOwners];
    std::copy_n(first, kOwners, next);
    for (int64_t i = 0; i < count; ++i) order.as<int64_t>()[next[owner(i)]++] = i;
    return parallel_for(0, vocabulary, owned, [&](int64_t begin, int64_t end) {
      T* to = dw.as<T>();
      std::fill(to + begin * width, to + end * width, T{});
      for (int64_t k = first[begin / owned]; k < first[begin / owned + 1]; ++k) {
        const int64_t i = order.as<int64_t>()[k], row = rows.as<int64_t>()[i];
        if (row == padding) continue;
        for (int64_t j = 0; j < width; ++j) to[row * width + j] += from[i * width + j];
      }
    });
  });
}

} // namespace cg::cpu
