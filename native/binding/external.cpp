// Memory that is not the allocator's: JavaScript buffers and shared buffers; and files read in place.
#include <cerrno>
#include <unistd.h>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/checksum.h"
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
  void* lender = environment.keep_lender(args[2]);
  if (lender == nullptr) return args.answer(Status::kInvalid);
  Tensor* tensor = environment.handles().borrow(shape, shape.dtype, kHost, {data.data(), bytes},
                                                Environment::release_lender, lender);
  if (tensor == nullptr) Environment::release_lender(lender);
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
  void* lender = environment.keep_lender(args[1]);
  if (lender == nullptr) return args.answer(Status::kInvalid);
  if (storage.bytes > 0) environment.launcher(*tensor).download(data.data(), storage.block.data, storage.bytes);
  environment.handles().move_storage(*tensor, data.data(), Environment::release_lender, lender);
  return args.answer(Status::kOk);
}

// The bytes of a contiguous tensor of the CPU; empty for any other.
std::span<char> bytes_of(const Tensor& tensor) {
  const View& view = tensor.view;
  if (tensor.storage->device != kHost || !view.contiguous()) return {};
  return {view.as<char>(), static_cast<size_t>(view.numel) * element_size(view.dtype)};
}

// Reads all bytes from a position of a file: 0, an errno, or kInvalid where the file ends too early.
int32_t read_all(int fd, std::span<char> data, int64_t position) {
  for (size_t done = 0; done < data.size();) {
    const ssize_t count = pread(fd, data.data() + done, data.size() - done, position + static_cast<int64_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return static_cast<int32_t>(Status::kInvalid);
    done += static_cast<size_t>(count);
  }
  return 0;
}

napi_value read_file(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  ++tensor->storage->version;
  return args.answer(read_all(args.integer(1), bytes_of(*tensor), args.long_integer(2)));
}

napi_value checksum(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  const std::span<char> data = bytes_of(*tensor);
  napi_value result;
  napi_create_uint32(env, crc32(0, data.data(), data.size()), &result);
  return result;
}

constexpr Function kFunctions[] = {
    {"borrow", borrow},
    {"moveInto", move_into},
    {"readFile", read_file},
    {"checksum", checksum},
};

} // namespace

std::span<const Function> external_functions() { return kFunctions; }

} // namespace cg::binding
