// Copies, conversions, fills.
#include <algorithm>
#include <array>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/parallel.h"
#include "core/shape.h"
#include "device/pinned.h"

namespace cg::binding {
namespace {

// A contiguous copy of `source` with elements of `dtype`.
napi_value answer_copy(const Arguments& args, const Tensor& source, DType dtype, napi_value owner) {
  Environment& environment = args.environment();
  Tensor* copy = environment.make(source.view, dtype, source.storage->device);
  if (copy == nullptr) return args.answer(Status::kOutOfMemory);
  const Status status = environment.launcher(source).copy(copy->view, source.view);
  if (status == Status::kOk) return args.answer(copy, owner);
  environment.handles().release(copy->handle);
  return args.answer(status);
}

napi_value cast(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* source = args.tensor(0);
  if (source == nullptr) return args.answer(Status::kStaleHandle);
  return answer_copy(args, *source, args.dtype(1), args[2]);
}

napi_value clone(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* source = args.tensor(0);
  if (source == nullptr) return args.answer(Status::kStaleHandle);
  return answer_copy(args, *source, source->view.dtype, args[1]);
}

napi_value contiguous(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* source = args.tensor(0);
  if (source == nullptr) return args.answer(Status::kStaleHandle);
  if (source->view.contiguous()) return args.answer(args.environment().handles().share(*source, source->view), args[1]);
  return answer_copy(args, *source, source->view.dtype, args[1]);
}

const Device& device_of(const Tensor& tensor) { return devices()[static_cast<size_t>(tensor.storage->device)]; }

// The elements of contiguous `src` into contiguous `dst`, from one device to another. `later`: pinned memory is left to the device, and
// the host goes on before its bytes are read or there.
Status transfer(const Tensor& dst, const Tensor& src, bool later) {
  const size_t bytes = static_cast<size_t>(src.view.numel) * element_size(src.view.dtype);
  const Device &to = device_of(dst), &from = device_of(src);
  const auto pinned = [bytes](const Device& device, const Tensor& host) {
    return device.pinned != nullptr && device.pinned->owns(host.view.data, bytes);
  };
  if (bytes == 0) return Status::kOk;
  if (src.storage->device == 0) {
    if (!pinned(to, src)) return to.launcher->upload(dst.view.data, src.view.data, bytes);
    const Status status = send(to, dst.view.data, src.view.data, bytes);
    return later || status != Status::kOk ? status : to.streams->drain(to.streams->current());
  }
  if (dst.storage->device == 0) {
    if (later && pinned(from, dst)) return fetch(from, dst.view.data, src.view.data, bytes);
    return from.launcher->download(dst.view.data, src.view.data, bytes);
  }
  const Scratch staging(bytes);
  if (!staging.ok()) return fail(Status::kOutOfMemory);
  const Status status = from.launcher->download(staging.as<char>(), src.view.data, bytes);
  return status == Status::kOk ? to.launcher->upload(dst.view.data, staging.as<char>(), bytes) : status;
}

// A contiguous copy of `source` on `device`, without an owner; nullptr with `status` when that failed.
Tensor* moved(Environment& environment, const Tensor& source, int32_t device, bool later, Status& status) {
  Tensor* dense = nullptr;
  status = Status::kOutOfMemory;
  if (!source.view.contiguous()) {
    dense = environment.make(source.view, source.view.dtype, source.storage->device);
    if (dense == nullptr) return nullptr;
    status = environment.launcher(source).copy(dense->view, source.view);
  }
  PinnedMemory* pinned = device_of(source).pinned;
  Tensor* result = later && device == 0 && pinned != nullptr && pinned->available()
                       ? environment.handles().make(source.view, source.view.dtype, 0, *pinned)
                       : environment.make(source.view, source.view.dtype, device);
  if (result != nullptr) status = transfer(*result, dense != nullptr ? *dense : source, later);
  if (dense != nullptr) environment.handles().release(dense->handle);
  if (result == nullptr || status == Status::kOk) return result;
  environment.handles().release(result->handle);
  return nullptr;
}

Status write(Environment& environment, Tensor& dst, const View& src) {
  ++dst.storage->version;
  return environment.launcher(dst).copy(dst.view, src);
}

napi_value copy_into(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  Tensor *dst = args.tensor(0), *src = args.tensor(1);
  if (dst == nullptr || src == nullptr) return args.answer(Status::kStaleHandle);
  const std::array<const View*, 1> in{&src->view};
  const int32_t how = std::max(0, args.integer(2)); // absent: -1
  const bool apart = (how & 2) != 0;
  if (const Status status = writable(dst->view, {in.data(), apart ? 1U : 0U}); status != Status::kOk)
    return args.answer(status);
  if (dst->storage->device != src->storage->device) {
    const bool later = (how & 1) != 0;
    Status status;
    if (dst->view.contiguous() && src->view.contiguous() && dst->view.dtype == src->view.dtype &&
        same_shape(dst->view, src->view)) {
      ++dst->storage->version;
      return args.answer(transfer(*dst, *src, later));
    }
    Tensor* copy = moved(environment, *src, dst->storage->device, false, status);
    if (copy == nullptr) return args.answer(status);
    status = write(environment, *dst, copy->view);
    environment.handles().release(copy->handle);
    return args.answer(status);
  }
  if (dst->view.numel == 0 || src->view.numel == 0 || !overlaps(dst->view, src->view))
    return args.answer(write(environment, *dst, src->view));

  Tensor* copy = environment.make(src->view, src->view.dtype, src->storage->device);
  if (copy == nullptr) return args.answer(Status::kOutOfMemory);
  Status status = environment.launcher(*src).copy(copy->view, src->view);
  if (status == Status::kOk) status = write(environment, *dst, copy->view);
  environment.handles().release(copy->handle);
  return args.answer(status);
}

Status fill_with(const Arguments& args, DType dtype, void* value) {
  Tensor* dst = args.tensor(0);
  if (dst == nullptr) return Status::kStaleHandle;
  View scalar;
  scalar.data = value;
  scalar.dtype = dtype;
  return write(args.environment(), *dst, scalar);
}

napi_value fill(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  double value = args.number(1);
  return args.answer(fill_with(args, DType::kFloat64, &value));
}

napi_value fill_bigint(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  int64_t value = 0;
  bool lossless;
  napi_get_value_bigint_int64(env, args[1], &value, &lossless);
  return args.answer(fill_with(args, DType::kInt64, &value));
}

napi_value to_device(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* source = args.tensor(0);
  if (source == nullptr) return args.answer(Status::kStaleHandle);
  const Device* device = args.device(1);
  if (device == nullptr || device->memory == nullptr) return args.answer(Status::kNoDevice);
  if (source->storage->device == args.integer(1))
    return args.answer(args.environment().handles().share(*source, source->view), args[3]);
  Status status;
  Tensor* copy = moved(args.environment(), *source, args.integer(1), args.integer(2) == 1, status);
  return copy != nullptr ? args.answer(copy, args[3]) : args.answer(status);
}

constexpr Function kFunctions[] = {
    {"cast", cast},          {"clone", clone}, {"contiguous", contiguous},
    {"copyInto", copy_into}, {"fill", fill},   {"fillBigInt", fill_bigint},
    {"toDevice", to_device},
};

} // namespace

std::span<const Function> copy_functions() { return kFunctions; }

} // namespace cg::binding
