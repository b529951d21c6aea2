// Launches of the rows of structured.def: all lists travel in io.
#include <array>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/shape.h"

namespace cg::binding {
namespace {

// Views of `count` tensors whose handles start at io[first]. All must live on `device`; -1: on that of the first.
Status read_views(Environment& environment, size_t first, size_t count, int32_t device, std::vector<View>& views) {
  views.clear();
  for (size_t i = 0; i < count; ++i) {
    const Tensor* tensor = environment.handles().find(static_cast<Handle>(environment.io()[first + i]));
    if (tensor == nullptr) return Status::kStaleHandle;
    if (device < 0) device = tensor->storage->device;
    if (tensor->storage->device != device) return fail(Status::kMixedDevices, device, tensor->storage->device);
    views.push_back(tensor->view);
  }
  return Status::kOk;
}

Tensor* tensor_at(Environment& environment, size_t at) {
  return environment.handles().find(static_cast<Handle>(environment.io()[at]));
}

napi_value run(napi_env env, napi_callback_info info) {
  constexpr size_t kMostOutputs = 4;
  const Arguments args(env, info);
  Environment& environment = args.environment();
  const int kernel = args.integer(0);
  const auto inputs = static_cast<size_t>(args.integer(1)), outputs = static_cast<size_t>(args.integer(2)),
             attributes = static_cast<size_t>(args.integer(3));
  if (static_cast<size_t>(kernel) >= structured_names().size() || outputs > kMostOutputs)
    return args.answer(Status::kInvalid);
  if (const Status status = read_views(environment, 0, inputs, -1, environment.inputs); status != Status::kOk)
    return args.answer(status);
  const int device = inputs > 0 ? tensor_at(environment, 0)->storage->device : args.integer(4);
  if (static_cast<size_t>(device) >= devices().size() || devices()[static_cast<size_t>(device)].memory == nullptr)
    return args.answer(Status::kNoDevice);

  std::array<Tensor*, kMostOutputs> made{};
  const auto abandon = [&](Status status) {
    for (Tensor* tensor : made)
      if (tensor != nullptr) environment.handles().release(tensor->handle);
    return args.answer(status);
  };
  environment.outputs.clear();
  size_t at = inputs;
  for (size_t i = 0; i < outputs; ++i) {
    View shape;
    const auto dtype = static_cast<DType>(static_cast<int>(environment.io()[at]));
    const auto rank = static_cast<int>(environment.io()[at + 1]);
    if (!environment.read_shape(dtype, rank, at + 2, shape)) return abandon(Status::kInvalid);
    at += 2 + static_cast<size_t>(rank);
    made[i] = environment.make(shape, dtype, device);
    if (made[i] == nullptr) return abandon(Status::kOutOfMemory);
    environment.outputs.push_back(made[i]->view);
  }

  Launcher& launcher = environment.launcher(device);
  const Status status =
      launcher.structured(kernel, {environment.inputs, environment.outputs, {environment.io() + at, attributes}});
  if (status != Status::kOk) return abandon(status);
  for (size_t i = 0; i < outputs; ++i) environment.io()[i] = environment.give(*made[i], args[5 + i]);
  return args.answer(Status::kOk);
}

napi_value run_into(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  const int kernel = args.integer(0);
  const auto inputs = static_cast<size_t>(args.integer(1)), outputs = static_cast<size_t>(args.integer(2)),
             attributes = static_cast<size_t>(args.integer(3));
  if (static_cast<size_t>(kernel) >= structured_names().size() || outputs == 0) return args.answer(Status::kInvalid);
  const Tensor* target = tensor_at(environment, inputs);
  if (target == nullptr) return args.answer(Status::kStaleHandle);
  const int32_t device = target->storage->device;
  if (const Status status = read_views(environment, 0, inputs, device, environment.inputs); status != Status::kOk)
    return args.answer(status);
  if (const Status status = read_views(environment, inputs, outputs, device, environment.outputs);
      status != Status::kOk)
    return args.answer(status);
  for (const View& out : environment.outputs)
    if (const Status status = writable(out, {}); status != Status::kOk && structured_names()[kernel] != "indexPut")
      return args.answer(status); // PyTorch lets an index write into an expanded tensor
  for (size_t i = 0; i < outputs; ++i) ++tensor_at(environment, inputs + i)->storage->version;
  Launcher& launcher = environment.launcher(*target);
  const double* list = environment.io() + inputs + outputs;
  return args.answer(launcher.structured(kernel, {environment.inputs, environment.outputs, {list, attributes}}));
}

constexpr Function kFunctions[] = {{"run", run}, {"runInto", run_into}};

} // namespace

std::span<const Function> structured_functions() { return kFunctions; }

} // namespace cg::binding
