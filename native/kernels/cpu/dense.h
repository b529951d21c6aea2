// The elements of a view as contiguous memory: its own when it is contiguous, else a copy.
#pragma once
#include "core/parallel.h"
#include "kernels/cpu/copy.h"

namespace cg::cpu {

class Dense {
public:
  explicit Dense(const View& x)
      : copy_(x.contiguous() ? 0 : element_size(x.dtype) * static_cast<size_t>(x.numel)), data_(x.data) {
    if (x.contiguous()) return;
    data_ = copy_.as<void>();
    if (!copy_.ok()) return;
    View to = x;
    to.data = copy_.as<void>();
    int64_t stride = 1;
    for (int d = x.rank - 1; d >= 0; --d) {
      to.strides[d] = stride;
      stride *= x.sizes[d];
    }
    copy(to, x);
  }
  bool ok() const { return copy_.ok(); }
  template <class T> const T* as() const { return static_cast<const T*>(data_); }

private:
  Scratch copy_;
  const void* data_;
};

} // namespace cg::cpu
