// Launches structured kernels on every dtype: on those that a kernel has no loops for, through one that it has.
#pragma once
#include "core/view.h"

namespace cg::cpu {

// Runs row `kernel` of structured.def. Half types are computed in float32, small integers in int32, and rounded or wrapped
// once; complex numbers as pairs or as parts, where that is what the kernel means.
Status run_structured(int kernel, const Call& call);

} // namespace cg::cpu
