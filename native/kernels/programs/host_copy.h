// The bytes that a view of device memory can touch, on the host.
#pragma once
#include "core/parallel.h"
#include "core/view.h"

namespace cg::programs {

class HostCopy {
public:
  explicit HostCopy(const View& view)
      : low_(0), bytes_(extent(view, low_)), origin_(static_cast<char*>(view.data) + low_), memory_(bytes_ + 1) {}

  bool ok() const { return memory_.ok(); }
  char* data() const { return memory_.as<char>(); }
  char* first() const { return data() - low_; } // the view's first element
  void* origin() const { return origin_; }      // the same bytes on the device
  size_t bytes() const { return bytes_; }

private:
  // Bytes from the lowest to past the highest element; `low` is where they start, seen from the first element.
  static size_t extent(const View& view, int64_t& low) {
    if (view.numel == 0) return 0;
    int64_t high = 0;
    for (int d = 0; d < view.rank; ++d) {
      const int64_t reach = (view.sizes[d] - 1) * view.strides[d];
      (reach < 0 ? low : high) += reach;
    }
    const auto size = static_cast<int64_t>(element_size(view.dtype));
    low *= size;
    return static_cast<size_t>((high + 1) * size - low);
  }

  int64_t low_;
  size_t bytes_;
  char* origin_;
  Scratch memory_;
};

} // namespace cg::programs
