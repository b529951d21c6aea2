// What a native call answers when it cannot do its work; the core throws no exceptions, because it is also compiled to WebAssembly.
#pragma once
#include <cstdint>

namespace cg {

// ORDER STATUS: src/runtime/native.ts lists the same codes.
enum class Status : int32_t {
  kOk = 0,
  kOutOfMemory = -1,
  kCancelled = -2,        // the cancel word was set; outputs are undefined
  kStaleHandle = -3,      // disposed, or never made
  kUnsupportedDType = -4, // this kernel has no code for the dtype
  kInvalid = -5,          // a caller broke a contract that the TypeScript edge must hold
  kNeedsCopy = -6,        // no view can express the shape
  kIndexOutOfRange = -7,  // details: index, size, the lowest index allowed
  kDeviceLost = -8,
  kNoDevice = -9,
  kMixedDevices = -10, // details: the devices of two tensors of one launch
  kNoKernel = -11,     // the device has no kernel for it, and falling back to the CPU was forbidden
  kNotCompiled = -12,  // the device's compiler refused a text
  kOverlap = -13,      // a write where elements share memory; details: 1 with one another, 2 with an input
};

// Details of the last failure on this thread: up to four numbers whose meaning the status gives
// (kOutOfMemory: bytes asked, live, cached, cap; kIndexOutOfRange: index, size, lowest).
struct Failure { double detail[4] = {0, 0, 0, 0}; };
Failure& last_failure();

inline Status fail(Status status, double a = 0, double b = 0, double c = 0, double d = 0) {
  last_failure() = {{a, b, c, d}};
  return status;
}

} // namespace cg
