// Memory that is not a device's usual: pools that a person names, and pinned memory.
#include <algorithm>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "device/memory.h"
#include "device/pinned.h"
#include "device/pool.h"

namespace cg::binding {
namespace {

const Device& device_of(const Tensor& tensor) { return devices()[static_cast<size_t>(tensor.storage->device)]; }

// The number of a pool of the device, or a status.
napi_value open_pool(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Device* device = args.device(0);
  if (device == nullptr || device->memory == nullptr) return args.answer(Status::kNoDevice);
  return args.answer(Pool::open(args.integer(0), *device));
}

// Tensors of its device are made in the pool from now on; 0: in none.
napi_value use_pool(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  args.environment().use_pool(args.integer(0), Pool::find(args.integer(1)));
  return args.nothing();
}

napi_value close_pool(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  if (Pool* pool = Pool::find(args.integer(0))) pool->close();
  return args.nothing();
}

napi_value pool_memory(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Pool* pool = Pool::find(args.integer(0));
  if (pool == nullptr) return args.answer(Status::kInvalid);
  const MemoryFigures figures = pool->figures();
  const double values[] = {static_cast<double>(figures.live), static_cast<double>(figures.cached),
                           static_cast<double>(figures.peak), static_cast<double>(figures.allocations)};
  std::copy(std::begin(values), std::end(values), args.environment().io());
  return args.answer(Status::kOk);
}

// The tensor's elements, contiguous, in host memory that `device` pins.
napi_value pin(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  const Tensor* source = args.tensor(0);
  const Device* device = args.device(1);
  if (source == nullptr) return args.answer(Status::kStaleHandle);
  if (device == nullptr || device->pinned == nullptr || !device->pinned->available())
    return args.answer(Status::kNoDevice);
  Tensor* copy = environment.handles().make(source->view, source->view.dtype, 0, *device->pinned);
  if (copy == nullptr) return args.answer(Status::kOutOfMemory);
  const Status status = environment.launcher(*source).copy(copy->view, source->view);
  if (status == Status::kOk) return args.answer(copy, args[2]);
  environment.handles().release(copy->handle);
  return args.answer(status);
}

// 1 when the tensor lies in pinned memory.
napi_value is_pinned(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  if (device_of(*tensor).driver != nullptr) return args.answer(0);
  const auto pins = [&](const Device& device) {
    return device.pinned != nullptr && device.pinned == tensor->storage->memory;
  };
  return args.answer(std::ranges::any_of(devices(), pins) ? 1 : 0);
}

constexpr Function kFunctions[] = {
    {"openPool", open_pool},     {"usePool", use_pool}, {"closePool", close_pool},
    {"poolMemory", pool_memory}, {"pin", pin},          {"isPinned", is_pinned},
};

} // namespace

std::span<const Function> pool_functions() { return kFunctions; }

} // namespace cg::binding
