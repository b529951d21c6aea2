// The programs of structured kernels: one function each, with the contract of its row in structured.def.
#pragma once
#include "kernels/programs/context.h"

namespace cg::programs {

#define PROGRAM(name) Status name(const Context& context, const Call& call);
#include "kernels/programs/programs.def"
#undef PROGRAM

} // namespace cg::programs
