// Memory that is not the allocator's: JavaScript buffers and shared buffers.
#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/shape.h"

namespace cg::binding {
namespace {

constexpr int32_t kHost = 0; // the CPU

napi_value borrow(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  environment.drop_lenders();
  View shape;
  if (!environment.read_shape(args.dtype(0), args.integer(1), 0, shape)) return args.answer(Status::kInvalid);
  const std::span<char> data = args.bytes(2);
  const size_t bytes = static_cast<size_t>(shape.numel) * element_size(shape.dtype);
  const bool fits = data.size() >= bytes && reinterpret_cast<uintptr_t>(data.data()) % element_size(shape.dtype) == 0;
  if (!fits) return args.answer(Status::kInvalid);
  const Loan loan = environment.borrow_from(args[2]);
  if (loan.lender == nullptr) return args.answer(Status::kInvalid);
  Tensor* tensor = environment.handles().borrow(shape, shape.dtype, kHost, {data.data(), bytes}, loan);
  if (tensor == nullptr) loan.give_back(loan.lender);
  return args.answer(tensor, args[3]);
}

// Moves the storage of a tensor, with all its views, into a JavaScript buffer of at least its size.
napi_value move_into(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  const Storage& storage = *tensor->storage;
  const std::span<char> data = args.bytes(1);
  if (data.size() < storage.bytes || storage.device != kHost) return args.answer(Status::kInvalid);
  const Loan loan = environment.borrow_from(args[1]);
  if (loan.lender == nullptr) return args.answer(Status::kInvalid);
  if (storage.bytes > 0) environment.launcher(*tensor).download(data.data(), storage.block.data, storage.bytes);
  environment.handles().move_storage(*tensor, data.data(), loan);
  return args.answer(Status::kOk);
}

constexpr Function kFunctions[] = {
    {"borrow", borrow},
    {"moveInto", move_into},
};

} // namespace

std::span<const Function> external_functions() { return kFunctions; }

} // namespace cg::binding
