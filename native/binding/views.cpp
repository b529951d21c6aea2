// Views: tensors that share the storage of another one.
#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/shape.h"

namespace cg::binding {
namespace {

// Moves the first element of `view` by `elements`.
void shift(View& view, int64_t elements) {
  view.data = view.as<char>() + elements * static_cast<int64_t>(element_size(view.dtype));
}

void count(View& view) {
  view.numel = 1;
  for (int d = 0; d < view.rank; ++d) view.numel *= view.sizes[d];
}

napi_value answer_view(const Arguments& args, const Tensor& base, const View& view, napi_value owner) {
  return args.answer(args.environment().handles().share(base, view), owner);
}

napi_value reshape_tensor(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  Tensor* base = args.tensor(0);
  if (base == nullptr) return args.answer(Status::kStaleHandle);
  View shape, view;
  if (!environment.read_shape(base->view.dtype, args.integer(1), 0, shape)) return args.answer(Status::kInvalid);
  if (shape.numel != base->view.numel) return args.answer(Status::kInvalid);
  if (reshape(base->view, {shape.sizes, static_cast<size_t>(shape.rank)}, view))
    return answer_view(args, *base, view, args[3]);
  if (args.integer(2) == 0) return args.answer(Status::kNeedsCopy);

  Tensor* copy = environment.make(shape, shape.dtype, base->storage->device);
  if (copy == nullptr) return args.answer(Status::kOutOfMemory);
  View in_old_shape = base->view;
  in_old_shape.data = copy->view.data;
  make_contiguous(in_old_shape);
  const Status status = environment.launcher(*base).copy(in_old_shape, base->view);
  if (status == Status::kOk) return args.answer(copy, args[3]);
  environment.handles().release(copy->handle);
  return args.answer(status);
}

napi_value permute(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* base = args.tensor(0);
  if (base == nullptr) return args.answer(Status::kStaleHandle);
  if (args.integer(1) != base->view.rank) return args.answer(Status::kInvalid);
  View view = base->view;
  for (int d = 0; d < view.rank; ++d) {
    const auto from = static_cast<int>(args.environment().io()[d]);
    if (from < 0 || from >= view.rank) return args.answer(Status::kInvalid);
    view.sizes[d] = base->view.sizes[from];
    view.strides[d] = base->view.strides[from];
  }
  return answer_view(args, *base, view, args[2]);
}

napi_value expand_tensor(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* base = args.tensor(0);
  if (base == nullptr) return args.answer(Status::kStaleHandle);
  View shape;
  if (!args.environment().read_shape(base->view.dtype, args.integer(1), 0, shape) || shape.rank < base->view.rank)
    return args.answer(Status::kInvalid);
  return answer_view(args, *base, expand(base->view, shape), args[2]);
}

napi_value slice(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* base = args.tensor(0);
  if (base == nullptr) return args.answer(Status::kStaleHandle);
  const int dim = args.integer(1);
  const int64_t start = args.long_integer(2), length = args.long_integer(3), step = args.long_integer(4);
  View view = base->view;
  if (dim < 0 || dim >= view.rank || start < 0 || length < 0 || step < 1) return args.answer(Status::kInvalid);
  if (length > 0 && start + (length - 1) * step >= view.sizes[dim]) return args.answer(Status::kInvalid);
  if (length > 0) shift(view, start * view.strides[dim]);
  view.sizes[dim] = length;
  view.strides[dim] *= step;
  count(view);
  return answer_view(args, *base, view, args[5]);
}

napi_value select(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* base = args.tensor(0);
  if (base == nullptr) return args.answer(Status::kStaleHandle);
  const int dim = args.integer(1);
  const int64_t index = args.long_integer(2);
  View view = base->view;
  if (dim < 0 || dim >= view.rank || index < 0 || index >= view.sizes[dim]) return args.answer(Status::kInvalid);
  shift(view, index * view.strides[dim]);
  --view.rank;
  for (int d = dim; d < view.rank; ++d) {
    view.sizes[d] = view.sizes[d + 1];
    view.strides[d] = view.strides[d + 1];
  }
  count(view);
  return answer_view(args, *base, view, args[3]);
}

// A view of the storage with the sizes, strides and offset of io, in elements of `dtype`.
napi_value answer_strided(const Arguments& args, const Tensor& base, DType dtype, int rank, napi_value owner) {
  View view;
  if (!args.environment().read_shape(dtype, rank, 0, view)) return args.answer(Status::kInvalid);
  const double* lists = args.environment().io() + view.rank;
  const auto offset = static_cast<int64_t>(lists[view.rank]);
  int64_t last = offset;
  for (int d = 0; d < view.rank; ++d) {
    view.strides[d] = static_cast<int64_t>(lists[d]);
    if (view.strides[d] < 0) return args.answer(Status::kInvalid);
    last += (view.sizes[d] - 1) * view.strides[d];
  }
  const Storage& storage = *base.storage;
  const bool inside = offset >= 0 && static_cast<size_t>(last + 1) * element_size(view.dtype) <= storage.bytes;
  if (view.numel > 0 && !inside) return args.answer(Status::kInvalid);
  view.data = storage.block.data;
  shift(view, offset);
  return answer_view(args, base, view, owner);
}

napi_value as_strided(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* base = args.tensor(0);
  if (base == nullptr) return args.answer(Status::kStaleHandle);
  return answer_strided(args, *base, base->view.dtype, args.integer(1), args[2]);
}

napi_value reinterpret(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* base = args.tensor(0);
  if (base == nullptr) return args.answer(Status::kStaleHandle);
  return answer_strided(args, *base, args.dtype(1), args.integer(2), args[3]);
}

constexpr Function kFunctions[] = {
    {"reshape", reshape_tensor}, {"permute", permute},      {"expand", expand_tensor},    {"slice", slice},
    {"select", select},          {"asStrided", as_strided}, {"reinterpret", reinterpret},
};

} // namespace

std::span<const Function> view_functions() { return kFunctions; }

} // namespace cg::binding
