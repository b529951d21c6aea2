// Reads the typed arrays of a call.
#include "binding/arguments.h"

namespace cg::binding {
namespace {

size_t element_bytes(napi_typedarray_type type) {
  switch (type) {
  case napi_int16_array:
  case napi_uint16_array: return 2;
  case napi_int32_array:
  case napi_uint32_array:
  case napi_float32_array: return 4;
  case napi_float64_array:
  case napi_bigint64_array:
  case napi_biguint64_array: return 8;
  case napi_int8_array:
  case napi_uint8_array:
  case napi_uint8_clamped_array: return 1;
  default: return 2; // Float16Array
  }
}

} // namespace

std::span<char> Arguments::bytes(size_t i) const {
  void* data = nullptr;
  size_t length = 0;
  napi_typedarray_type type;
  if (napi_get_typedarray_info(env_, values_[i], &type, &length, &data, nullptr, nullptr) == napi_ok)
    return {static_cast<char*>(data), length * element_bytes(type)};
  if (napi_get_dataview_info(env_, values_[i], &length, &data, nullptr, nullptr) == napi_ok)
    return {static_cast<char*>(data), length};
  return {};
}

} // namespace cg::binding
