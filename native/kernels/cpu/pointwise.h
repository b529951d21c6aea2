// Pointwise operations on the CPU: one loop per row and type, and one loop over blocks that runs it on any views.
#pragma once
#include <array>

#include "device/device.h"

namespace cg::cpu {

// out[i] = f(in[0][i], ...; p) over n contiguous elements; out may be one of the inputs.
using Loop = void (*)(void* out, const void* const* in, int64_t n, const double* p);

// The types that have loops of their own. Others compute in the next wider one, block by block: int8 in int32, float16 in float32.
enum class Computed { kBool, kInt32, kInt64, kFloat32, kFloat64 };
constexpr int kComputed = 5;
using Loops = std::array<Loop, kComputed>; // nullptr: the row has no meaning for the type

// Loops of complex64 and complex128; without one complex64 is computed in complex128, without both the row has no meaning.
struct ComplexLoops { Loop narrow = nullptr, wide = nullptr; };
const ComplexLoops& complex_loops(Family family, int op);

// See Launcher::pointwise.
Status pointwise(const Pointwise& call, const View& out);

} // namespace cg::cpu
