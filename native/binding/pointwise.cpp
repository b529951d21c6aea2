// Pointwise launches. Arguments: op, inputs, attributes, dtype, then the owner of the result or the tensor to write into.
#include <array>
#include <string>
#include <vector>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/shape.h"

namespace cg::binding {
namespace {

enum class Target { kFresh, kExisting };

// Launches into a fresh tensor owned by args[last], or into the tensor args[last].
napi_value launch(const Arguments& args, const Pointwise& call, const Tensor& first, Target target, size_t last) {
  Environment& environment = args.environment();
  const std::span<const Row> family = rows(call.family);
  if (static_cast<size_t>(call.op) >= family.size()) return args.answer(Status::kInvalid);
  Launcher& launcher = environment.launcher(first);

  if (target == Target::kExisting) {
    Tensor* out = args.tensor(last);
    if (out == nullptr) return args.answer(Status::kStaleHandle);
    if (out->storage->device != first.storage->device)
      return args.answer(fail(Status::kMixedDevices, out->storage->device, first.storage->device));
    if (const Status status = writable(out->view, call.in); status != Status::kOk) return args.answer(status);
    ++out->storage->version;
    return args.answer(launcher.pointwise(call, out->view));
  }

  const View* shape = call.in[0];
  View common;
  for (const View* input : call.in) {
    if (same_shape(*input, *call.in[0])) continue;
    broadcast_shape(call.in, common);
    shape = &common;
    break;
  }
  const DType dtype = family[static_cast<size_t>(call.op)].predicate ? DType::kBool : call.dtype;
  Tensor* out = environment.make(*shape, dtype, first.storage->device);
  if (out == nullptr) return args.answer(Status::kOutOfMemory);
  const Status status = launcher.pointwise(call, out->view);
  if (status == Status::kOk) return args.answer(out, args[last]);
  environment.handles().release(out->handle);
  return args.answer(status);
}

template <Family kFamily, size_t kInputs, size_t kAttributes, Target kTarget>
napi_value pointwise(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  std::array<const View*, kInputs> in;
  const Tensor* first = nullptr;
  int32_t in_device = -1;
  for (size_t k = kInputs; k-- > 0;) {
    first = args.tensor(1 + k);
    if (first == nullptr) return args.answer(Status::kStaleHandle);
    if (in_device >= 0 && first->storage->device != in_device)
      return args.answer(fail(Status::kMixedDevices, first->storage->device, in_device));
    in_device = first->storage->device;
    in[k] = &first->view;
  }
  Pointwise call{.family = kFamily, .op = args.integer(0), .dtype = args.dtype(1 + kInputs + kAttributes), .in = in};
  for (size_t k = 0; k < kAttributes; ++k) call.p[k] = args.number(1 + kInputs + k);
  return launch(args, call, *first, kTarget, 2 + kInputs + kAttributes);
}

// binary(op, a, scalar) or, with scalarFirst, binary(op, scalar, a).
template <Target kTarget> napi_value binary_scalar(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* a = args.tensor(1);
  if (a == nullptr) return args.answer(Status::kStaleHandle);
  double value = args.number(2);
  View scalar;
  scalar.data = &value;
  scalar.dtype = DType::kFloat64;
  const bool first = args.integer(3) != 0;
  const std::array<const View*, 2> in{first ? &scalar : &a->view, first ? &a->view : &scalar};
  return launch(args, {.family = Family::kBinary, .op = args.integer(0), .dtype = args.dtype(4), .in = in}, *a, kTarget,
                5);
}

std::string string_at(const Arguments& args, size_t i) {
  size_t length = 0;
  napi_get_value_string_utf8(args.env(), args[i], nullptr, 0, &length);
  std::string text(length + 1, '\0');
  napi_get_value_string_utf8(args.env(), args[i], text.data(), text.size(), &length);
  text.resize(length);
  return text;
}

napi_value add_own_row(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  return args.answer(add_row(string_at(args, 0), args.integer(1)));
}

napi_value add_own_text(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  return args.answer(add_text(string_at(args, 0), string_at(args, 1)));
}

// A person's own kernel: io has the handles of the inputs and of the output, then the numbers.
napi_value run_text(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  const auto tensors = static_cast<size_t>(args.integer(1)), numbers = static_cast<size_t>(args.integer(2));
  std::vector<View> views;
  int32_t device = -1;
  for (size_t k = 0; k < tensors; ++k) {
    const Tensor* tensor = environment.handles().find(static_cast<Handle>(environment.io()[k]));
    if (tensor == nullptr) return args.answer(Status::kStaleHandle);
    if (device >= 0 && tensor->storage->device != device)
      return args.answer(fail(Status::kMixedDevices, device, tensor->storage->device));
    device = tensor->storage->device;
    views.push_back(tensor->view);
  }
  if (views.empty()) return args.answer(Status::kInvalid);
  const std::vector<double> attributes(environment.io() + tensors, environment.io() + tensors + numbers);
  const std::span<const View> all = views;
  const Call call{all.first(tensors - 1), all.last(1), attributes};
  return args.answer(launch_text(devices()[static_cast<size_t>(device)], args.integer(0), call));
}

// A person's own row on the tensors whose handles are in io.
napi_value custom(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  const auto inputs = static_cast<size_t>(args.integer(1));
  if (inputs < 1 || inputs > kMostInputs) return args.answer(Status::kInvalid);
  std::array<const View*, kMostInputs> in;
  const Tensor* first = nullptr;
  for (size_t k = 0; k < inputs; ++k) {
    const Tensor* tensor = environment.handles().find(static_cast<Handle>(environment.io()[k]));
    if (tensor == nullptr) return args.answer(Status::kStaleHandle);
    if (first == nullptr) first = tensor;
    if (tensor->storage->device != first->storage->device)
      return args.answer(fail(Status::kMixedDevices, first->storage->device, tensor->storage->device));
    in[k] = &tensor->view;
  }
  const Pointwise call{.family = Family::kTernary, .op = 0, .dtype = args.dtype(2), .in = {in.data(), inputs}};
  View shape;
  broadcast_shape(call.in, shape);
  const int32_t device = first->storage->device;
  Tensor* out = environment.make(shape, call.dtype, device);
  if (out == nullptr) return args.answer(Status::kOutOfMemory);
  const Status status = launch_row(devices()[static_cast<size_t>(device)], args.integer(0), call, out->view);
  if (status == Status::kOk) return args.answer(out, args[3]);
  environment.handles().release(out->handle);
  return args.answer(status);
}

constexpr Target kFresh = Target::kFresh, kExisting = Target::kExisting;
constexpr Function kFunctions[] = {
    {"unary", pointwise<Family::kUnary, 1, 0, kFresh>},
    {"unaryInto", pointwise<Family::kUnary, 1, 0, kExisting>},
    {"unaryAttr", pointwise<Family::kUnaryAttr, 1, 2, kFresh>},
    {"unaryAttrInto", pointwise<Family::kUnaryAttr, 1, 2, kExisting>},
    {"binary", pointwise<Family::kBinary, 2, 0, kFresh>},
    {"binaryInto", pointwise<Family::kBinary, 2, 0, kExisting>},
    {"binaryAttr", pointwise<Family::kBinaryAttr, 2, 2, kFresh>},
    {"binaryAttrInto", pointwise<Family::kBinaryAttr, 2, 2, kExisting>},
    {"binaryScalar", binary_scalar<kFresh>},
    {"binaryScalarInto", binary_scalar<kExisting>},
    {"ternary", pointwise<Family::kTernary, 3, 1, kFresh>},
    {"addRow", add_own_row},
    {"custom", custom},
    {"addText", add_own_text},
    {"runText", run_text},
    {"ternaryInto", pointwise<Family::kTernary, 3, 1, kExisting>},
};

} // namespace

std::span<const Function> pointwise_functions() { return kFunctions; }

} // namespace cg::binding
