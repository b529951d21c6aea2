// The devices of this process and what they can compute.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "device/device.h"

namespace cg {

// In the order of their indices, which stay: cpu is 0. Only the CPU until somebody looks for more.
std::span<const Device> devices();
// Looks for OpenCL and CUDA, once: starting their drivers takes long.
void find_devices();
// Adds the device of a plug-in (device/driver.h); answers why it could not, or nothing.
std::string add_device(const char* library);

// The first devices write their memory figures to doubles, Gauge::kCells each, in order; nullptr: no longer. False: they do so elsewhere.
constexpr size_t kGaugedDevices = 8;
bool share_gauges(double* cells);

// Between memory that a device pinned and the device, in the order of its current stream; the host goes on.
Status send(const Device& device, void* dst, const void* host, size_t bytes);
Status fetch(const Device& device, void* host, const void* src, size_t bytes);

// How often kernels of a device ran on the CPU because it has none, by name; `total` counts all devices.
struct Fallback {
  std::string kernel;
  uint64_t count;
};
std::vector<Fallback> fallbacks(const Device& device);
int32_t total_fallbacks();
// What a device's compiler said about the text that it refused last.
std::string compile_log();
// false: a missing kernel is Status::kNoKernel instead.
void allow_fallbacks(bool allowed);
// true: products of float32 by a maker's library may round their inputs to TF32.
void allow_tf32(bool allowed);

struct Row {
  const char* name;
  const char* text; // the scalar expression, as a device compiles it
  int inputs;
  bool predicate;       // the result is bool
  bool condition_first; // the first input is read as bool
  const char* types;    // which it has a meaning for: see unary.def
};
std::span<const Row> rows(Family family);

// A row of a person's own, for devices that compile texts; its code. Code of another number is Status::kInvalid.
int add_row(std::string text, int inputs);
Status launch_row(const Device& device, int row, const Pointwise& call, const View& out);

// A kernel of a person's own (programs/own.h): its code, and a launch of it.
int add_text(std::string text, std::string kinds);
Status launch_text(const Device& device, int text, const Call& call);

// The rows of structured.def, in code order.
std::span<const char* const> structured_names();

} // namespace cg
