// The kernels of one instruction set, gathered for kernels/cpu/table.cpp to choose from.
#include "kernels/cpu/isa.h"
#include "kernels/cpu/table.h"

#define CG_TEXT_OF(name) #name
#define CG_TEXT(name) CG_TEXT_OF(name)

namespace cg::cpu {

// COMMON rows are compiled once, STRUCTURED rows and the pointwise loops per instruction set.
#define STRUCTURED(name)
#define COMMON(name) Status name(const Call&);
#include "kernels/structured.def"
#undef STRUCTURED
#undef COMMON

namespace CG_ISA {

extern const ConvertTable convert_table;
extern const Carrying carrying;
extern const Loops unary_loops[], unary_attr_loops[], binary_loops[], binary_attr_loops[], ternary_loops[];

#define STRUCTURED(name) Status name(const Call&);
#define COMMON(name)
#include "kernels/structured.def"
#undef STRUCTURED
#undef COMMON

namespace {

#define STRUCTURED(name) &CG_ISA::name,
#define COMMON(name) &cpu::name,
constexpr Kernel kStructured[] = {
#include "kernels/structured.def"
};
#undef STRUCTURED
#undef COMMON

} // namespace

extern const Table kTable;
const Table kTable = {
    CG_TEXT(CG_ISA), &convert_table, {unary_loops, unary_attr_loops, binary_loops, binary_attr_loops, ternary_loops},
    &carrying,       kStructured,
};

} // namespace CG_ISA
} // namespace cg::cpu
