// Loops of native/kernels/unary.def.
#include "kernels/cpu/pointwise_loops.h"
#include "kernels/cpu/vmath_lanes.h"

namespace cg::cpu::CG_ISA {
namespace {

#define UNARY(name, types, ...) CG_OPERATION(name, 1, false, false, T x, __VA_ARGS__)
#define UNARY_PREDICATE(name, types, ...) CG_OPERATION(name, 1, true, false, T x, __VA_ARGS__)
#include "kernels/unary.def"

} // namespace

#if defined(__AVX512F__)
CG_LANES(exp)
CG_LANES(tanh)
CG_LANES(sigmoid)
CG_LANES(silu)
CG_LANES(erf)
CG_LANES(gelu)
#endif

extern const Loops unary_loops[] = {
#define UNARY(name, types, ...) loops_for<op_##name>(types{}),
#define UNARY_PREDICATE UNARY
#include "kernels/unary.def"
};

} // namespace cg::cpu::CG_ISA
