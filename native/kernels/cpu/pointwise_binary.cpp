// Loops of native/kernels/binary.def.
#include "kernels/cpu/pointwise_loops.h"

namespace cg::cpu::CG_ISA {
namespace {

#define CG_INPUTS T a, T b
#define BINARY(name, types, ...) CG_OPERATION(name, 2, false, false, CG_INPUTS, __VA_ARGS__)
#define BINARY_PREDICATE(name, types, ...) CG_OPERATION(name, 2, true, false, CG_INPUTS, __VA_ARGS__)
#include "kernels/binary.def"

} // namespace

extern const Loops binary_loops[] = {
#define BINARY(name, types, ...) loops_for<op_##name>(types{}),
#define BINARY_PREDICATE BINARY
#include "kernels/binary.def"
};

} // namespace cg::cpu::CG_ISA
