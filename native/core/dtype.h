// The twelve element types, in promotion-table order, and what each is in C++.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cg {

// ORDER DTYPE: src/tensor/dtype.ts lists the same names in the same order.
enum class DType : int32_t {
  kBool,
  kUInt8,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128,
};
constexpr int kDTypes = 12;

constexpr size_t element_size(DType dtype) {
  constexpr size_t kSizes[kDTypes] = {1, 1, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
  return kSizes[static_cast<int>(dtype)];
}
constexpr const char* name_of(DType dtype) {
  constexpr const char* kNames[kDTypes] = {"bool",    "uint8",    "int8",    "int16",   "int32",     "int64",
                                           "float16", "bfloat16", "float32", "float64", "complex64", "complex128"};
  return kNames[static_cast<int>(dtype)];
}
constexpr bool is_floating(DType d) { return d >= DType::kFloat16 && d <= DType::kFloat64; }
constexpr bool is_complex(DType d) { return d >= DType::kComplex64; }
// The type of the two parts of a complex number.
constexpr DType real_part(DType d) { return d == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64; }

template <class T> struct DTypeOf;
template <> struct DTypeOf<bool> { static constexpr DType value = DType::kBool; };
template <> struct DTypeOf<uint8_t> { static constexpr DType value = DType::kUInt8; };
template <> struct DTypeOf<int8_t> { static constexpr DType value = DType::kInt8; };
template <> struct DTypeOf<int16_t> { static constexpr DType value = DType::kInt16; };
template <> struct DTypeOf<int32_t> { static constexpr DType value = DType::kInt32; };
template <> struct DTypeOf<int64_t> { static constexpr DType value = DType::kInt64; };
template <> struct DTypeOf<float> { static constexpr DType value = DType::kFloat32; };
template <> struct DTypeOf<double> { static constexpr DType value = DType::kFloat64; };

} // namespace cg
