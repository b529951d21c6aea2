// Turns a runtime dtype into a C++ type: visit(dtype, Floating{}, [&]<class T>() -> Status { ... }).
#pragma once
#include "core/dtype.h"
#include "core/status.h"

namespace cg::cpu {

template <class... Ts> struct TypeSet {};
using Floating = TypeSet<float, double>;
using Integers = TypeSet<uint8_t, int8_t, int16_t, int32_t, int64_t>;
using Numeric = TypeSet<uint8_t, int8_t, int16_t, int32_t, int64_t, float, double>;
using AllTypes = TypeSet<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, float, double>;

// Calls fn.operator()<T>() for the type of `dtype`, or answers kUnsupportedDType when the set lacks it.
template <class... Ts, class Fn> [[gnu::always_inline]] inline Status visit(DType dtype, TypeSet<Ts...>, Fn&& fn) {
  Status status = Status::kOk;
  const bool known = ((dtype == DTypeOf<Ts>::value && (status = fn.template operator()<Ts>(), true)) || ...);
  return known ? status : fail(Status::kUnsupportedDType);
}

} // namespace cg::cpu
