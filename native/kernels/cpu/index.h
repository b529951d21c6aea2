// What the indexing kernels share: element types by size, checked indices, broadcast views.
#pragma once
#include <cstdint>
#include <cstring>
#include <span>

#include "core/parallel.h"
#include "core/view.h"
#include "core/walk.h"
#include "kernels/dims.h"

namespace cg::cpu {

constexpr int64_t kIndexGrain = 16'384; // elements of a chunk

struct Bytes16 { uint64_t low, high; };

// Calls fn.operator()<T>() with an unsigned type of the dtype's size: kernels that only move elements serve all dtypes
// so.
template <class Fn> Status visit_size(DType dtype, const Fn& fn) {
  switch (element_size(dtype)) {
  case 1: return fn.template operator()<uint8_t>();
  case 2: return fn.template operator()<uint16_t>();
  case 4: return fn.template operator()<uint32_t>();
  case 8: return fn.template operator()<uint64_t>();
  default: return fn.template operator()<Bytes16>();
  }
}

// kIndexOutOfRange unless every element of `index` is in [lowest, size); lowest is 0 or -size.
Status check_indices(const View& index, int64_t size, int64_t lowest = 0);

inline int64_t wrap(int64_t index, int64_t size) { return index < 0 ? index + size : index; }

// offsets[i] = sum over k of wrap(indices[k][i]) * strides[k], for indices of one shape into dims of `sizes`; checked.
Status resolve_indices(std::span<const View> indices, const int64_t* sizes, const int64_t* strides, int64_t* offsets);

// A contiguous view of `data` as int64 with the sizes of `like`.
View offsets_view(int64_t* data, const View& like);

} // namespace cg::cpu
