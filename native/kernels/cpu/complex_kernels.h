// Structured kernels that mean something of their own for complex numbers. Contracts: structured.def.
#pragma once
#include "core/view.h"

namespace cg::cpu {

Status complex_prod(const Call& call);
Status complex_cumprod(const Call& call);

// A product that is linear in both operands (matmul, dot), made of four by `run`, the kernel for real numbers.
Status complex_product(Kernel run, const Call& call);

} // namespace cg::cpu
