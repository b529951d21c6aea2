// Complex numbers on devices: pairs of reals in memory, a struct in the texts.
#pragma once
#include "device/device.h"
#include "kernels/devices.h"
#include "kernels/programs/context.h"

namespace cg::programs {

// The meanings of native/kernels/complex.def; kNoKernel for those without a text.
Status complex_pointwise(const Context& context, const Row& row, const Pointwise& call, const View& out);

// Copies part by part where an element of one side is complex.
Status copy_parts(const Context& context, const View& dst, const View& src);

// The row matmul, by four products of real matrices.
Status complex_matmul(const Context& context, const Call& call);

} // namespace cg::programs
