// What a kernel sees of a tensor: typed memory with sizes and strides, both in elements.
#pragma once
#include <cstdint>
#include <span>

#include "core/dtype.h"
#include "core/status.h"

namespace cg {

constexpr int kMaxRank = 16;

struct View {
  void* data = nullptr; // the first element (the offset is already applied)
  DType dtype = DType::kFloat32;
  int rank = 0;
  int64_t numel = 1;
  int64_t sizes[kMaxRank] = {};
  int64_t strides[kMaxRank] = {}; // elements; 0 along a broadcast dim

  template <class T> T* as() const { return static_cast<T*>(data); }

  bool contiguous() const {
    int64_t expected = 1;
    for (int d = rank - 1; d >= 0; --d) {
      if (sizes[d] != 1 && strides[d] != expected) return false;
      expected *= sizes[d];
    }
    return true;
  }
};

// One launch of a structured kernel. Inputs are any strided views; fresh outputs are contiguous and uninitialised,
// outputs of an in-place launch are the caller's views. `attr` is the list that native/kernels/structured.def documents.
struct Call {
  std::span<const View> in;
  std::span<const View> out;
  std::span<const double> attr;

  int64_t integer(size_t i) const { return static_cast<int64_t>(attr[i]); }
};

using Kernel = Status (*)(const Call&);

} // namespace cg
