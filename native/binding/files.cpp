// The elements of tensors in files: read, written, mapped.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "binding/arguments.h"
#include "binding/exports.h"
#include "core/checksum.h"

namespace cg::binding {
namespace {

constexpr int32_t kHost = 0; // the CPU

// The bytes of a contiguous tensor of the CPU; empty for any other.
std::span<char> bytes_of(const Tensor& tensor) {
  const View& view = tensor.view;
  if (tensor.storage->device != kHost || !view.contiguous()) return {};
  return {view.as<char>(), static_cast<size_t>(view.numel) * element_size(view.dtype)};
}

// Moves all bytes by `move(data, bytes, done)`, a pread or a write: 0, an errno, or kInvalid where nothing more can be moved.
template <class Move> int32_t move_all(std::span<char> data, const Move& move) {
  for (size_t done = 0; done < data.size();) {
    const ssize_t count = move(data.data() + done, data.size() - done, static_cast<int64_t>(done));
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
  const int fd = args.integer(1);
  const int64_t position = args.long_integer(2);
  return args.answer(move_all(bytes_of(*tensor), [=](char* data, size_t bytes, int64_t done) {
    return pread(fd, data, bytes, position + done);
  }));
}

napi_value write_file(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  const int fd = args.integer(1);
  return args.answer(
      move_all(bytes_of(*tensor), [=](const char* data, size_t bytes, int64_t) { return write(fd, data, bytes); }));
}

struct Mapping {
  void* start;
  size_t bytes;

  static void unmap(void* lender) {
    const std::unique_ptr<Mapping> mapping(static_cast<Mapping*>(lender));
    munmap(mapping->start, mapping->bytes);
  }
};

// A tensor over a stretch of a file: pages are read when they are looked at, and copied when they are written to.
napi_value map_file(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  Environment& environment = args.environment();
  View shape;
  if (!environment.read_shape(args.dtype(0), args.integer(1), 0, shape)) return args.answer(Status::kInvalid);
  const int fd = args.integer(2);
  const int64_t position = args.long_integer(3);
  const size_t bytes = static_cast<size_t>(shape.numel) * element_size(shape.dtype);
  struct stat file;
  if (fstat(fd, &file) != 0 || position < 0 ||
      static_cast<uint64_t>(position) + bytes > static_cast<uint64_t>(file.st_size))
    return args.answer(Status::kInvalid); // what lies behind the end would be a signal, not an error
  if (position % static_cast<int64_t>(element_size(shape.dtype)) != 0) return args.answer(Status::kNeedsCopy);
  const auto before = static_cast<size_t>(position % sysconf(_SC_PAGESIZE));
  void* start = mmap(nullptr, before + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd,
                     position - static_cast<int64_t>(before));
  if (start == MAP_FAILED) return args.answer(Status::kNeedsCopy);
  const Loan loan{Mapping::unmap, nullptr, std::make_unique<Mapping>(Mapping{start, before + bytes}).release()};
  Tensor* tensor =
      environment.handles().borrow(shape, shape.dtype, kHost, {static_cast<char*>(start) + before, bytes}, loan);
  if (tensor == nullptr) loan.give_back(loan.lender);
  return args.answer(tensor, args[4]);
}

napi_value checksum(napi_env env, napi_callback_info info) {
  const Arguments args(env, info);
  const Tensor* tensor = args.tensor(0);
  if (tensor == nullptr) return args.answer(Status::kStaleHandle);
  const std::span<char> data = bytes_of(*tensor);
  napi_value result;
  napi_create_uint32(env, crc32(static_cast<uint32_t>(args.long_integer(1)), data.data(), data.size()), &result);
  return result;
}

constexpr Function kFunctions[] = {
    {"readFile", read_file},
    {"writeFile", write_file},
    {"mapFile", map_file},
    {"checksum", checksum},
};

} // namespace

std::span<const Function> file_functions() { return kFunctions; }

} // namespace cg::binding
