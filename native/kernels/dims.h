// A part of a view's dims.
#pragma once
#include "core/view.h"

namespace cg {

// `view` without the dims before `first` and from `last` on.
inline View dims_of(const View& view, int first, int last) {
  View part = view;
  part.rank = last - first;
  part.numel = 1;
  for (int d = 0; d < part.rank; ++d) {
    part.sizes[d] = view.sizes[first + d];
    part.strides[d] = view.strides[first + d];
    part.numel *= part.sizes[d];
  }
  return part;
}

} // namespace cg
