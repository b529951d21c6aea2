// What the kernels of a device share: its driver, its memory, its programs, and how a launch is put together.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/memory.h"
#include "kernels/programs/dialect.h"
#include "kernels/programs/index_errors.h"
#include "kernels/programs/program_cache.h"

namespace cg::programs {

struct Context {
  const cg_driver& driver;
  DeviceMemory& memory;
  ProgramCache& programs;
  Launcher& host; // the CPU
  IndexErrors& errors;

  bool float64() const { return driver.capabilities.float64 != 0; }
  // Broadcasts and converts; kNoKernel when that needs the CPU.
  Status copy(const View& dst, const View& src) const;
};

// Memory for the time of a launch: work is done in order, so it may be given away again when the launch is queued.
class Temporary {
public:
  Temporary(const Context& context, size_t bytes) : memory_(context.memory), block_(memory_.allocate(bytes)) {}
  ~Temporary() {
    if (block_.data != nullptr) memory_.deallocate(block_);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  void* data() const { return block_.data; }

private:
  DeviceMemory& memory_;
  Block block_;
};

// Arguments of a launch in order, then the launch.
class Launch {
public:
  Launch() { arguments_.reserve(8); }
  Launch& buffer(const void* address) {
    arguments_.push_back({reinterpret_cast<uint64_t>(address), nullptr, 0});
    return *this;
  }
  template <class T> Launch& value(const T& value) {
    const auto* bytes = reinterpret_cast<const char*>(&value);
    return raw({bytes, sizeof value});
  }
  Launch& raw(std::span<const char> bytes) {
    arguments_.push_back({0, keep(bytes), bytes.size()});
    return *this;
  }
  // A number in the type that texts call `compute_name(dtype)`; integers saturate, so that an infinite bound is no bound.
  Launch& number(double value, DType dtype);

  // At least `items` threads, in groups of kGroup; of the program of a text, or of one that is known (nullptr: it was not compiled).
  Status run(const Context& context, const std::string& text, int64_t items) const;
  Status run(const Context& context, cg_program* program, int64_t items) const;
  Status run_groups(const Context& context, const std::string& text, int64_t groups) const;

private:
  Status run_groups(const Context& context, cg_program* program, int64_t groups) const;
  // `bytes` that stay where they are until the launch: in the room for the usual few numbers, or on their own.
  const char* keep(std::span<const char> bytes);

  static constexpr size_t kRoom = 512;
  std::vector<cg_argument> arguments_;
  std::unique_ptr<char[]> room_;
  size_t used_ = 0;
  std::vector<std::unique_ptr<char[]>> larger_;
};

// Contiguous elements of a view, copied when they do not lie so.
class Dense {
public:
  Dense(const Context& context, const View& view);
  Status status() const { return status_; }
  const void* data() const { return data_; }

private:
  std::optional<Temporary> copy_;
  const void* data_;
  Status status_ = Status::kOk;
};

} // namespace cg::programs
