// Gathers the kernels of each instruction set and chooses one when the library is loaded.
#include "kernels/cpu/table.h"

#include <cstdlib>
#include <cstring>

namespace cg::cpu {

// COMMON rows are compiled once, STRUCTURED rows and the pointwise loops per instruction set.
#define STRUCTURED(name)
#define COMMON(name) Status name(const Call&);
#include "kernels/structured.def"
#undef STRUCTURED
#undef COMMON

#define CG_DECLARE(isa_name)                                                                                           \
  namespace isa_name {                                                                                                 \
  extern const ConvertTable convert_table;                                                                             \
  extern const Loops unary_loops[], unary_attr_loops[], binary_loops[], binary_attr_loops[], ternary_loops[];          \
  }
CG_DECLARE(baseline)
CG_DECLARE(avx2)
CG_DECLARE(avx512)
#undef CG_DECLARE

#define COMMON(name)
#define STRUCTURED(name) Status name(const Call&);
namespace baseline {
#include "kernels/structured.def"
}
namespace avx2 {
#include "kernels/structured.def"
}
namespace avx512 {
#include "kernels/structured.def"
}
#undef STRUCTURED
#undef COMMON

namespace {

#define COMMON(name) &cpu::name,
#define STRUCTURED(name) &baseline::name,
constexpr Kernel kBaseline[] = {
#include "kernels/structured.def"
};
#undef STRUCTURED
#define STRUCTURED(name) &avx2::name,
constexpr Kernel kAvx2[] = {
#include "kernels/structured.def"
};
#undef STRUCTURED
#define STRUCTURED(name) &avx512::name,
constexpr Kernel kAvx512[] = {
#include "kernels/structured.def"
};
#undef STRUCTURED
#undef COMMON

#define CG_TABLE(isa_name, kernels)                                                                                    \
  Table {                                                                                                              \
    #isa_name, &isa_name::convert_table,                                                                               \
        {isa_name::unary_loops, isa_name::unary_attr_loops, isa_name::binary_loops, isa_name::binary_attr_loops,       \
         isa_name::ternary_loops},                                                                                     \
        kernels                                                                                                        \
  }
const Table kTables[] = {CG_TABLE(baseline, kBaseline), CG_TABLE(avx2, kAvx2), CG_TABLE(avx512, kAvx512)};
#undef CG_TABLE

// The widest that the processor has; the environment variable CELLGRAD_ISA asks for a narrower one.
const Table& choose() {
  const bool supported[] = {true, __builtin_cpu_supports("x86-64-v3") != 0, __builtin_cpu_supports("x86-64-v4") != 0};
  const char* asked = std::getenv("CELLGRAD_ISA");
  int best = 0;
  for (int i = 0; i < 3; ++i) {
    if (!supported[i]) break;
    best = i;
    if (asked != nullptr && std::strcmp(asked, kTables[i].isa) == 0) break;
  }
  return kTables[best];
}

} // namespace

const Table& table() {
  static const Table& chosen = choose();
  return chosen;
}

} // namespace cg::cpu
