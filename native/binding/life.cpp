// Making tensors, reading them, letting them go.
#include <algorithm>
#include <complex>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/shape.h"

namespace cg::binding {
namespace {

size_t bytes_of(const View& view) { return static_cast<size_t>(view.numel) * element_size(view.dtype); }

napi_value empty(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  View shape;
  if (!args.environment().read_shape(args.dtype(0), args.integer(2), 0, shape)) return args.answer(Status::kInvalid);
  const Device* device = args.device(1);
  if (device == nullptr || device->memory == nullptr) return args.answer(Status::kNoDevice);
  return args.answer(args.environment().make(shape, shape.dtype, args.integer(1)), args[3]);
}

napi_value from_buffer(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  View shape;
  if (!args.environment().read_shape(args.dtype(0), args.integer(1), 0, shape)) return args.answer(Status::kInvalid);
  const std::span<char> data = args.bytes(2);
  if (data.size() < bytes_of(shape)) return args.answer(Status::kInvalid);
  Tensor* tensor = args.environment().make(shape, shape.dtype, 0);
  if (tensor == nullptr) return args.answer(Status::kOutOfMemory);
  if (shape.numel > 0) args.environment().launcher(*tensor).upload(tensor->view.data, data.data(), bytes_of(shape));
  return args.answer(tensor, args[3]);
}

napi_value release(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  args.environment().handles().release(args.integer(0));
  args.environment().drop_lenders();
  return args.nothing();
}

napi_value to_buffer(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  const size_t bytes = bytes_of(tensor->view);
  const std::span<char> data = args.bytes(1);
  if (data.size() < bytes) return args.answer(Status::kInvalid);
  if (bytes == 0) return args.answer(Status::kOk);
  Launcher& launcher = environment.launcher(*tensor);
  if (tensor->view.contiguous()) return args.answer(launcher.download(data.data(), tensor->view.data, bytes));

  Tensor* dense = environment.make(tensor->view, tensor->view.dtype, tensor->storage->device);
  if (dense == nullptr) return args.answer(Status::kOutOfMemory);
  Status status = launcher.copy(dense->view, tensor->view);
  if (status == Status::kOk) status = launcher.download(data.data(), dense->view.data, bytes);
  environment.handles().release(dense->handle);
  return args.answer(status);
}

// The only element of the tensor, converted to `dtype`, into `value`.
Status read_element(const Arguments& args, DType dtype, void* value) {
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return Status::kStaleHandle;
  if (tensor->view.numel != 1) return Status::kInvalid;
  alignas(16) char element[16];
  View from, to;
  from.data = element;
  from.dtype = tensor->view.dtype;
  to.data = value;
  to.dtype = dtype;
  const Status status =
      args.environment().launcher(*tensor).download(element, tensor->view.data, element_size(from.dtype));
  return status == Status::kOk ? devices()[0].launcher->copy(to, from) : status;
}

napi_value item(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  return args.answer(read_element(args, DType::kComplex128, args.environment().io()));
}

napi_value item_bigint(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  int64_t value = 0;
  read_element(args, DType::kInt64, &value);
  napi_value result;
  napi_create_bigint_int64(env, value, &result);
  return result;
}

napi_value describe(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  const View& view = tensor->view;
  const Storage& storage = *tensor->storage;
  double* io = args.environment().io();
  const double head[] = {static_cast<double>(view.rank),
                         static_cast<double>(tensor->offset()),
                         static_cast<double>(view.numel),
                         static_cast<double>(storage.bytes),
                         static_cast<double>(storage.version),
                         static_cast<double>(storage.id),
                         static_cast<double>(storage.device),
                         static_cast<double>(static_cast<int>(view.dtype)),
                         static_cast<double>(reinterpret_cast<uintptr_t>(view.data))};
  io = std::copy(std::begin(head), std::end(head), io);
  io = std::copy_n(view.sizes, view.rank, io);
  std::copy_n(view.strides, view.rank, io);
  return args.answer(view.rank);
}

napi_value version(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  return args.answer(static_cast<int32_t>(tensor->storage->version));
}

napi_value bump_version(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  return args.answer(static_cast<int32_t>(++tensor->storage->version));
}

napi_value is_contiguous(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  return args.answer(tensor->view.contiguous() ? 1 : 0);
}

constexpr Function kFunctions[] = {
    {"empty", empty},
    {"fromBuffer", from_buffer},
    {"release", release},
    {"toBuffer", to_buffer},
    {"item", item},
    {"itemBigInt", item_bigint},
    {"info", describe},
    {"version", version},
    {"bumpVersion", bump_version},
    {"isContiguous", is_contiguous},
};

} // namespace

std::span<const Function> life_functions() { return kFunctions; }

} // namespace cg::binding
