// Kernels on dtypes that they have no loops or texts for, through one that they have: the same on every device.
#pragma once
#include <algorithm>
#include <vector>

#include "core/shape.h"
#include "core/view.h"

namespace cg {

// The codes of structured.def.
enum Code : int {
#define STRUCTURED(name) k_##name,
#define COMMON(name) k_##name,
#include "kernels/structured.def"
#undef STRUCTURED
#undef COMMON
};

// Where a kernel runs: memory that lives as long as this, copies that convert, and the kernel itself.
class Site {
public:
  virtual ~Site() = default;
  virtual void* room(size_t bytes) = 0; // nullptr when memory ran out
  virtual Status copy(const View& dst, const View& src) = 0;
  virtual Status run(const Call& call) = 0;
};

// The dtype in which those without loops are computed; their own for the others.
constexpr DType wider(DType dtype) {
  switch (dtype) {
  case DType::kFloat16:
  case DType::kBFloat16: return DType::kFloat32;
  case DType::kUInt8:
  case DType::kInt8:
  case DType::kInt16: return DType::kInt32;
  default: return dtype;
  }
}

inline bool holds_complex(const Call& call) {
  const auto any = [](std::span<const View> views) {
    return std::any_of(views.begin(), views.end(), [](const View& view) { return is_complex(view.dtype); });
  };
  return any(call.in) || any(call.out);
}

// Runs on copies whose dtypes `choose` names; what was written is converted back.
Status run_converted(Site& site, const Call& call, DType (*choose)(DType));

// Runs a kernel that is linear, or asks only for truth, on complex numbers; kNoKernel for one that must know what they are.
Status run_parts(Site& site, int kernel, const Call& call);

} // namespace cg
