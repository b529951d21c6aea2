// What a device is to the rest of the runtime: a name, its memory, and what can be launched on it.
#pragma once
#include <span>
#include <string>

#include "core/allocator.h"
#include "core/view.h"
#include "device/driver.h"

namespace cg {

// Families of pointwise rows (native/kernels/*.def).
enum class Family { kUnary, kUnaryAttr, kBinary, kBinaryAttr, kTernary };
constexpr int kFamilies = 5;
constexpr int kMostInputs = 3;

// One launch of a pointwise row.
struct Pointwise {
  Family family;
  int op;
  DType dtype;                     // of the computation: inputs are converted to it
  double p[2] = {0, 0};            // the row's attributes
  std::span<const View* const> in; // broadcast to the shape of the output
};

class Launcher {
public:
  virtual ~Launcher() = default;
  // `out` may be any view, also one of the inputs; its elements are converted from the computation's type.
  virtual Status pointwise(const Pointwise& call, const View& out) = 0;
  // `kernel` is the row of structured.def.
  virtual Status structured(int kernel, const Call& call) = 0;
  // Broadcasts and converts `src` into `dst`; both on this device.
  virtual Status copy(const View& dst, const View& src) = 0;
  // Between `bytes` of host memory and contiguous memory of the device.
  virtual Status upload(void* dst, const void* host, size_t bytes) = 0;
  virtual Status download(void* host, const void* src, size_t bytes) = 0;
  // Waits for the work of a stream, or of all.
  virtual Status synchronize(int32_t stream) = 0;
  static constexpr int32_t kAllStreams = -1;
};

class DeviceMemory;
class PinnedMemory;
class Streams;

struct Device {
  std::string name;            // "cpu", "opencl:0"; the kind ("cuda") when absent
  std::string description;     // model, instruction set, threads
  std::string reason;          // why it is absent; empty when it is there
  Allocator* memory = nullptr; // nullptr when absent, like the launcher
  Launcher* launcher = nullptr;
  const cg_driver* driver = nullptr; // nullptr for the CPU and what is absent, like the segments
  DeviceMemory* segments = nullptr;
  Streams* streams = nullptr;
  PinnedMemory* pinned = nullptr;
};

} // namespace cg
