// Loops of native/kernels/ternary.def.
#include "kernels/cpu/pointwise_loops.h"

namespace cg::cpu::CG_ISA {
namespace {

#define CG_INPUTS T a, T b, T c
#define CG_CHOICES bool a, T b, T c
#define TERNARY(name, types, ...) CG_OPERATION(name, 3, false, false, CG_INPUTS, __VA_ARGS__)
#define SELECT(name, types, ...) CG_OPERATION(name, 3, false, true, CG_CHOICES, __VA_ARGS__)
#include "kernels/ternary.def"

} // namespace

extern const Loops ternary_loops[] = {
#define TERNARY(name, types, ...) loops_for<op_##name>(types{}),
#define SELECT TERNARY
#include "kernels/ternary.def"
};

} // namespace cg::cpu::CG_ISA
