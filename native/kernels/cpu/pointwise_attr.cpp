// Loops of native/kernels/unary_attr.def and binary_attr.def.
#include "kernels/cpu/pointwise_loops.h"

namespace cg::cpu::CG_ISA {
namespace {

#define CG_INPUTS T a, T b
#define UNARY_ATTR(name, types, ...) CG_OPERATION(name, 1, false, false, T x, __VA_ARGS__)
#define BINARY_ATTR(name, types, ...) CG_OPERATION(name, 2, false, false, CG_INPUTS, __VA_ARGS__)
#include "kernels/binary_attr.def"
#include "kernels/unary_attr.def"

} // namespace

extern const Loops unary_attr_loops[] = {
#define UNARY_ATTR(name, types, ...) loops_for<op_##name>(types{}),
#include "kernels/unary_attr.def"
};

extern const Loops binary_attr_loops[] = {
#define BINARY_ATTR(name, types, ...) loops_for<op_##name>(types{}),
#include "kernels/binary_attr.def"
};

} // namespace cg::cpu::CG_ISA
