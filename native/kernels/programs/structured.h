// The rows of structured.def that devices have programs for.
#pragma once
#include "kernels/programs/context.h"

namespace cg::programs {

// kNoKernel: the CPU must do it.
Status structured(const Context& context, int kernel, const Call& call);

} // namespace cg::programs
