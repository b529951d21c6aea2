// The devices of this process and what they can compute.
#pragma once
#include <span>

#include "device/device.h"

namespace cg {

// In the order of their indices: cpu is 0, absent devices follow.
std::span<const Device> devices();

struct Row {
  const char* name;
  const char* text; // the scalar expression, as a device compiles it
  int inputs;
  bool predicate;       // the result is bool
  bool condition_first; // the first input is read as bool
};
std::span<const Row> rows(Family family);

// The rows of structured.def, in code order.
std::span<const char* const> structured_names();

} // namespace cg
