// Reading and writing by index. Reading is one thread an element; writing one thread a place, in the order of the index.
#include <algorithm>

#include "core/shape.h"
#include "core/walk.h"
#include "kernels/adapt.h"
#include "kernels/dims.h"
#include "kernels/programs/families.h"

namespace cg::programs {
namespace {

constexpr int kMostDims = 8;

// Three views of one shape, with dims merged where all allow it; strides in elements.
struct Three {
  int64_t rank = 0, count = 1;
  int64_t size[kMostDims] = {};
  int64_t stride[3][kMostDims] = {};
  bool fits = true;

  Three() = default;
  Three(const View& a, const View& b, const View& c) : count(a.numel) {
    const Walk<3> walk({&a, &b, &c});
    fits = walk.rank <= kMostDims;
    rank = walk.rank;
    const View* views[] = {&a, &b, &c};
    for (int d = 0; fits && d < walk.rank; ++d) {
      size[d] = walk.sizes[d];
      for (int k = 0; k < 3; ++k)
        stride[k][d] = walk.strides[d][k] / static_cast<int64_t>(element_size(views[k]->dtype));
    }
  }
};
// As the text declares it: `fits` stays here.
struct ThreeArgument {
  int64_t rank, count, size[kMostDims], stride[3][kMostDims];
  explicit ThreeArgument(const Three& t) : rank(t.rank), count(t.count) {
    std::copy_n(t.size, kMostDims, size);
    std::copy_n(&t.stride[0][0], 3 * kMostDims, &stride[0][0]);
  }
};

const std::string kThree = R"(
typedef struct { i64 rank, count; i64 size[8]; i64 stride[3][8]; } Three;
#define PLACES(dims, i, a, b, c) \
  i64 a = 0, b = 0, c = 0; \
  { \
    i64 left = i; \
    for (i64 d = dims.rank - 1; d >= 0; --d) { \
      i64 index = left % dims.size[d]; \
      left /= dims.size[d]; \
      a += index * dims.stride[0][d]; \
      b += index * dims.stride[1][d]; \
      c += index * dims.stride[2][d]; \
    } \
  }
FUNCTION i64 checked(i64 index, i64 size, GLOBAL i64 *wrong) {
  if (index >= 0 && index < size) return index;
  wrong[1] = index;
  wrong[2] = size;
  wrong[0] = 1;
  return -1;
}
)";

// y[i] = the element of x at its place for i plus index[i] * unit. The three views have one shape.
Status take(const Context& context, const View& y, const View& x, const View& index, int64_t size, int64_t unit) {
  if (y.numel == 0) return Status::kOk;
  const std::string type = word(y.dtype);
  const Three dims(y, x, index);
  if (type.empty() || !dims.fits) return Status::kNoKernel;
  void* wrong = context.errors.open();
  if (wrong == nullptr) return Status::kOutOfMemory;
  Launch launch;
  launch.buffer(y.data)
      .buffer(x.data)
      .buffer(index.data)
      .buffer(wrong)
      .value(ThreeArgument(dims))
      .value(size)
      .value(unit);
  const std::string text = kThree + "typedef " + type + R"( T;
KERNEL run(BUFFER(T, y), BUFFER(T, x), BUFFER(i64, index), BUFFER(i64, wrong), Three dims, i64 size, i64 unit) {
  PLACE(T, y);
  PLACE(T, x);
  PLACE(i64, index);
  PLACE(i64, wrong);
  i64 i = ITEM;
  if (i >= dims.count) return;
  PLACES(dims, i, to, from, at)
  i64 chosen = checked(index[at], size, wrong);
  y[to] = chosen < 0 ? (T)0 : x[from + chosen * unit];
}
)";
  return launch.run(context, text, y.numel);
}

// The dims of `view` that are the indexed one, or the others, with the sizes of `shape`.
View split(const View& view, const View& shape, int dim, bool along) {
  View part = view;
  part.rank = 0;
  part.numel = 1;
  for (int d = 0; d < view.rank; ++d)
    if ((d == dim) == along) {
      part.sizes[part.rank] = shape.sizes[d];
      part.strides[part.rank++] = view.strides[d];
      part.numel *= shape.sizes[d];
    }
  return part;
}

// The elements of self that index and values choose: `serial` positions may meet in one place, `parallel` ones cannot.
struct Positions {
  Three parallel, serial;
  int64_t size, unit; // of the indexed dim: for wrapping, and elements from index to index
};

// Takes values: set, add (times alpha), multiply, largest or smallest. Values of one place come in the order of the index.
Status put(const Context& context, const View& self, const View& index, const View& values, const Positions& at,
           double alpha, int64_t mode) {
  if (at.parallel.count == 0 || at.serial.count == 0) return Status::kOk;
  const DType dtype = self.dtype;
  const bool moved = mode == 0;
  const std::string type = moved ? word(dtype) : storage_name(dtype);
  const bool computes =
      dtype < DType::kComplex64 && wider(dtype) == dtype && (dtype != DType::kFloat64 || context.float64());
  if (type.empty() || values.dtype != dtype || !(moved || computes) || !at.parallel.fits || !at.serial.fits)
    return Status::kNoKernel;
  void* wrong = context.errors.open();
  if (wrong == nullptr) return Status::kOutOfMemory;
  Launch launch;
  launch.buffer(self.data).buffer(index.data).buffer(values.data).buffer(wrong);
  launch.value(ThreeArgument(at.parallel)).value(ThreeArgument(at.serial)).value(at.size).value(at.unit);
  if (!moved) launch.number(alpha, dtype);
  constexpr const char* kMerges[] = {"*place = value", "*place = (T)(*place + alpha * value)",
                                     "*place = (T)(*place * value)",
                                     "*place = *place != *place || *place >= value ? *place : value",
                                     "*place = *place != *place || *place <= value ? *place : value"};
  const std::string factor = moved ? "" : std::string(", ") + compute_name(dtype) + " alpha";
  const std::string text = kThree + "typedef " + type +
                           " T;\nKERNEL run(BUFFER(T, self), BUFFER(i64, index), BUFFER(T, values), " +
                           "BUFFER(i64, wrong), Three parallel, Three serial, i64 size, i64 unit" + factor + R"() {
  PLACE(T, self);
  PLACE(i64, index);
  PLACE(T, values);
  PLACE(i64, wrong);
  i64 i = ITEM;
  if (i >= parallel.count) return;
  PLACES(parallel, i, to, at, from)
  for (i64 j = 0; j < serial.count; ++j) {
    PLACES(serial, j, more, next, offset)
    i64 chosen = checked(index[at + next], size, wrong);
    GLOBAL T *place = self + to + more + chosen * unit;
    T value = values[from + offset];
    if (chosen >= 0) )" + kMerges[mode] +
                           ";\n  }\n}\n";
  return launch.run(context, text, at.parallel.count);
}

// Along one dim: index and values have the shape of the positions.
Status put_along(const Context& context, View self, const View& index, const View& values, int dim, double alpha,
                 int64_t mode) {
  const int64_t size = self.rank == 0 ? 1 : self.sizes[dim], unit = self.rank == 0 ? 0 : self.strides[dim];
  if (self.rank > 0) self.strides[dim] = 0;
  const auto part = [&](bool along) {
    return Three(split(self, values, dim, along), split(index, values, dim, along), split(values, values, dim, along));
  };
  return put(context, self, index, values, {part(false), part(true), size, unit}, alpha, mode);
}

constexpr int64_t kAnySize = int64_t{1} << 62; // of places that were checked before

// The places in self of positions that several indices choose: the sum of index k times stride k.
Status resolve(const Context& context, std::span<const View> indices, const View& self, const Temporary& room,
               View& places) {
  places = indices[0];
  places.data = room.data();
  make_contiguous(places);
  if (room.data() == nullptr) return Status::kOutOfMemory;
  for (size_t k = 0; k < indices.size(); ++k) {
    const Three dims(places, indices[k], indices[k]);
    if (!dims.fits) return Status::kNoKernel;
    void* wrong = context.errors.open();
    if (wrong == nullptr) return Status::kOutOfMemory;
    Launch launch;
    launch.buffer(places.data).buffer(indices[k].data).buffer(wrong).value(ThreeArgument(dims));
    launch.value(self.sizes[k]).value(self.strides[k]).value(static_cast<int32_t>(k));
    const std::string text = kThree + R"(
KERNEL run(BUFFER(i64, places), BUFFER(i64, index), BUFFER(i64, wrong), Three dims, i64 size, i64 stride, i32 more) {
  PLACE(i64, places);
  PLACE(i64, index);
  PLACE(i64, wrong);
  i64 i = ITEM;
  if (i >= dims.count) return;
  PLACES(dims, i, to, at, same)
  i64 chosen = checked(index[at], size, wrong), place = more ? places[to] : 0;
  places[to] = chosen < 0 || place < 0 ? -1 : place + chosen * stride;
}
)";
    if (const Status status = launch.run(context, text, places.numel); status != Status::kOk) return status;
  }
  return Status::kOk;
}

View repeated(const View& like, const void* data, DType dtype) {
  View view = like;
  view.data = const_cast<void*>(data);
  view.dtype = dtype;
  std::fill_n(view.strides, view.rank, 0);
  return view;
}

void* element_at(const View& view, int64_t element) {
  return view.as<char>() + element * static_cast<int64_t>(element_size(view.dtype));
}

Status triangle(const Context& context, const Call& call, const char* keeps) {
  const View& y = call.out[0];
  const std::string type = word(y.dtype);
  if (type.empty()) return Status::kNoKernel;
  const Dense x(context, call.in[0]);
  if (x.status() != Status::kOk) return x.status();
  Launch launch;
  launch.buffer(y.data)
      .buffer(x.data())
      .value(y.sizes[y.rank - 2])
      .value(y.sizes[y.rank - 1])
      .value(call.integer(0))
      .value(y.numel);
  const std::string text = "typedef " + type +
                           " T;\nKERNEL run(BUFFER(T, y), BUFFER(T, x), i64 rows, i64 columns, i64 diagonal, i64 n) {\n"
                           "  PLACE(T, y);\n  PLACE(T, x);\n  i64 i = ITEM;\n  if (i >= n) return;\n"
                           "  i64 row = i / columns % rows, column = i % columns;\n"
                           "  y[i] = column - row " +
                           keeps + " diagonal ? x[i] : (T)0;\n}\n";
  return launch.run(context, text, y.numel);
}

// y[i] = `value`, an expression of i, n and two numbers.
Status by_index(const Context& context, const View& y, const std::string& value, double a, double b) {
  if (y.dtype >= DType::kComplex64 ||
      (!context.float64() && (y.dtype == DType::kFloat64 || y.dtype == DType::kFloat32)))
    return Status::kNoKernel;
  // Doubles, as on the CPU; integers are exact in 64 bits.
  const DType computed = is_floating(y.dtype) ? DType::kFloat64 : DType::kInt64;
  const std::string type = compute_name(computed), stored = write_text(y.dtype, computed, value);
  const std::string kernel = std::string("KERNEL run(BUFFER(") + storage_name(y.dtype) + ", y), " + type + " a, " +
                             type + " b, i64 columns, i64 n) {\n  PLACE(" + storage_name(y.dtype) +
                             ", y);\n  i64 i = ITEM;\n  if (i >= n) return;\n  y[i] = " + stored + ";\n}\n";
  Launch launch;
  launch.buffer(y.data)
      .number(a, computed)
      .number(b, computed)
      .value(y.rank > 0 ? y.sizes[y.rank - 1] : 1)
      .value(y.numel);
  return launch.run(context, helpers(kernel, computed) + kernel, y.numel);
}

} // namespace

Status gather(const Context& context, const Call& call) {
  const View& index = call.in[1];
  View x = call.in[0];
  const bool scalar = x.rank == 0; // one element, index 0
  const int64_t dim = call.integer(0), size = scalar ? 1 : x.sizes[dim], unit = scalar ? 0 : x.strides[dim];
  if (!scalar) x.strides[dim] = 0;
  return take(context, call.out[0], x, index, size, unit);
}

Status indexSelect(const Context& context, const Call& call) {
  const View& y = call.out[0];
  View x = call.in[0], index = y;
  const bool scalar = x.rank == 0;
  const int64_t dim = call.integer(0), size = scalar ? 1 : x.sizes[dim], unit = scalar ? 0 : x.strides[dim];
  index.data = call.in[1].data;
  index.dtype = DType::kInt64;
  std::fill_n(index.strides, index.rank, 0);
  if (!scalar) x.strides[dim] = 0, index.strides[dim] = call.in[1].rank == 0 ? 0 : call.in[1].strides[0];
  return take(context, y, x, index, size, unit);
}

Status embedding(const Context& context, const Call& call) {
  const View &weight = call.in[0], &index = call.in[1], &y = call.out[0];
  View from = y, at = y; // both [*index, D]
  from.data = weight.data;
  at.data = index.data;
  at.dtype = DType::kInt64;
  for (int d = 0; d < index.rank; ++d) from.strides[d] = 0, at.strides[d] = index.strides[d];
  from.strides[index.rank] = weight.strides[1];
  at.strides[index.rank] = 0;
  return take(context, y, from, at, weight.sizes[0], weight.strides[0]);
}

Status scatter(const Context& context, const Call& call) {
  View values = call.in[1]; // may be larger than the index; the shape of the index counts
  values.numel = call.in[0].numel;
  std::copy_n(call.in[0].sizes, values.rank, values.sizes);
  return put_along(context, call.out[0], call.in[0], values, static_cast<int>(call.integer(0)), 1, call.integer(1));
}

Status scatterValue(const Context& context, const Call& call) {
  const View &index = call.in[0], &self = call.out[0];
  const Temporary one(context, 16);
  if (one.data() == nullptr) return Status::kOutOfMemory;
  double number = call.attr[1];
  View value, element;
  value.data = &number;
  value.dtype = DType::kFloat64;
  element.data = one.data();
  element.dtype = self.dtype;
  if (const Status status = context.copy(element, value); status != Status::kOk) return status;
  return put_along(context, self, index, repeated(index, one.data(), self.dtype), static_cast<int>(call.integer(0)), 1,
                   call.integer(2));
}

Status indexAdd(const Context& context, const Call& call) {
  const View &index = call.in[0], &values = call.in[1];
  const int dim = static_cast<int>(call.integer(0));
  View places = repeated(values, index.data, DType::kInt64);
  if (places.rank > 0) places.strides[dim] = index.rank == 0 ? 0 : index.strides[0];
  return put_along(context, call.out[0], places, values, dim, call.attr[1], 1);
}

Status index(const Context& context, const Call& call) {
  const View &x = call.in[0], &y = call.out[0];
  const auto indices = call.in.subspan(1);
  const int count = static_cast<int>(indices.size()), dims = indices[0].rank;
  const Temporary room(context, static_cast<size_t>(std::max<int64_t>(1, indices[0].numel)) * sizeof(int64_t));
  View places;
  if (const Status status = resolve(context, indices, x, room, places); status != Status::kOk) return status;
  View from = repeated(y, x.data, x.dtype), at = repeated(y, places.data, DType::kInt64); // both [S, rest]
  for (int d = 0; d < dims; ++d) at.strides[d] = places.strides[d];
  for (int d = dims; d < y.rank; ++d) from.strides[d] = x.strides[count + d - dims];
  return take(context, y, from, at, kAnySize, 1);
}

// Serial over S, parallel over the rest of self.
Status indexPut(const Context& context, const Call& call) {
  const auto indices = call.in.first(call.in.size() - 1);
  const View &values = call.in.back(), &self = call.out[0];
  const int count = static_cast<int>(indices.size()), dims = indices[0].rank;
  const Temporary room(context, static_cast<size_t>(std::max<int64_t>(1, indices[0].numel)) * sizeof(int64_t));
  View places;
  if (const Status status = resolve(context, indices, self, room, places); status != Status::kOk) return status;
  const View rest = dims_of(self, count, self.rank);
  const Three serial(repeated(places, self.data, self.dtype), places, dims_of(values, 0, dims));
  const Three parallel(rest, repeated(rest, places.data, DType::kInt64), dims_of(values, dims, values.rank));
  return put(context, self, places, values, {parallel, serial, kAnySize, 1}, 1, call.integer(0) != 0 ? 1 : 0);
}

// Each element adds the windows that hold it, from the first to the last.
Status unfoldBackward(const Context& context, const Call& call) {
  const View &g = call.in[0], &dx = call.out[0];
  if (dx.rank == 0 || !is_floating(dx.dtype) || wider(dx.dtype) != dx.dtype ||
      (dx.dtype == DType::kFloat64 && !context.float64()))
    return Status::kNoKernel;
  const Dense from(context, g);
  if (from.status() != Status::kOk) return from.status();
  const int64_t dim = call.integer(0), windows = g.sizes[dim];
  int64_t inner = 1;
  for (int d = static_cast<int>(dim) + 1; d < dx.rank; ++d) inner *= dx.sizes[d];
  Launch launch;
  launch.buffer(dx.data).buffer(from.data()).value(dx.sizes[dim]).value(inner).value(windows);
  launch.value(call.integer(1)).value(call.integer(2)).value(dx.numel);
  const std::string text = std::string("typedef ") + storage_name(dx.dtype) + R"( T;
KERNEL run(BUFFER(T, dx), BUFFER(T, g), i64 size, i64 inner, i64 windows, i64 length, i64 step, i64 n) {
  PLACE(T, dx);
  PLACE(T, g);
  i64 i = ITEM;
  if (i >= n) return;
  i64 outer = i / inner / size, at = i / inner % size;
  T sum = 0;
  for (i64 w = at < length ? 0 : (at - length) / step + 1; w < windows && w * step <= at; ++w)
    sum += g[((outer * windows + w) * inner + i % inner) * length + at - w * step];
  dx[i] = sum;
}
)";
  return launch.run(context, text, dx.numel);
}

// Each row of dw adds the gradients of the positions that chose it, in their order.
Status embeddingBackward(const Context& context, const Call& call) {
  const View& dw = call.out[0];
  if (dw.dtype != DType::kFloat32 && (dw.dtype != DType::kFloat64 || !context.float64())) return Status::kNoKernel;
  const Dense g(context, call.in[0]), index(context, call.in[1]);
  if (g.status() != Status::kOk) return g.status();
  if (index.status() != Status::kOk) return index.status();
  Launch launch;
  launch.buffer(dw.data).buffer(g.data()).buffer(index.data()).value(dw.sizes[0]).value(dw.sizes[1]);
  launch.value(call.in[1].numel).value(call.integer(0));
  const std::string text = std::string("typedef ") + storage_name(dw.dtype) + R"( T;
KERNEL run(BUFFER(T, dw), BUFFER(T, g), BUFFER(i64, index), i64 rows, i64 width, i64 n, i64 padding) {
  PLACE(T, dw);
  PLACE(T, g);
  PLACE(i64, index);
  i64 column = ITEM;
  if (column >= width) return;
  for (i64 row = 0; row < rows; ++row) dw[row * width + column] = 0;
  for (i64 i = 0; i < n; ++i) {
    i64 row = index[i] < 0 ? index[i] + rows : index[i];
    if (row != padding && row >= 0 && row < rows) dw[row * width + column] += g[i * width + column];
  }
}
)";
  return launch.run(context, text, dw.sizes[1]);
}

Status cat(const Context& context, const Call& call) {
  const View& y = call.out[0];
  const int64_t dim = call.integer(0);
  int64_t at = 0;
  for (const View& x : call.in) {
    if (x.numel == 0) continue;
    View part = y;
    part.data = element_at(y, at * y.strides[dim]);
    part.sizes[dim] = x.sizes[dim];
    part.numel = x.numel;
    if (const Status status = context.copy(part, x); status != Status::kOk) return status;
    at += x.sizes[dim];
  }
  return Status::kOk;
}

Status flip(const Context& context, const Call& call) {
  View x = call.in[0];
  if (x.numel == 0) return Status::kOk;
  const auto mask = static_cast<uint64_t>(call.integer(0));
  for (int d = 0; d < x.rank; ++d) {
    if ((mask >> d & 1) == 0) continue;
    x.data = element_at(x, (x.sizes[d] - 1) * x.strides[d]);
    x.strides[d] = -x.strides[d];
  }
  return context.copy(call.out[0], x);
}

Status tril(const Context& context, const Call& call) { return triangle(context, call, "<="); }
Status triu(const Context& context, const Call& call) { return triangle(context, call, ">="); }

Status arange(const Context& context, const Call& call) {
  return by_index(context, call.out[0], "(a + i * b)", call.attr[0], call.attr[1]);
}
Status linspace(const Context& context, const Call& call) {
  const View& y = call.out[0];
  if (!is_floating(y.dtype)) return Status::kNoKernel;
  return by_index(context, y,
                  "(i < n / 2 || n == 1 ? a + i * ((b - a) / (n - 1)) : b - (n - 1 - i) * ((b - a) / (n - 1)))",
                  call.attr[0], call.attr[1]);
}
Status eye(const Context& context, const Call& call) {
  return by_index(context, call.out[0], "(i / columns == i % columns)", 0, 0);
}

} // namespace cg::programs
