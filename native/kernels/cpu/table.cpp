// Chooses the kernels of one instruction set when the library is loaded.
#include "kernels/cpu/table.h"

#include <cstdlib>
#include <string_view>

namespace cg::cpu {

// CG_ISAS is CELLGRAD_ISAS of native/CMakeLists.txt, from narrow to wide: ISA(baseline) ISA(avx2) ISA(avx512)
#define ISA(name)                                                                                                      \
  namespace name {                                                                                                     \
  extern const Table kTable;                                                                                           \
  }
CG_ISAS
#undef ISA

namespace {

#define ISA(name) &name::kTable,
constexpr const Table* kTables[] = {CG_ISAS};
#undef ISA

bool supported(std::string_view isa) {
  if (isa == "avx512") return __builtin_cpu_supports("x86-64-v4") != 0;
  if (isa == "avx2") return __builtin_cpu_supports("x86-64-v3") != 0;
  return true;
}

// The widest that the processor has; the environment variable CELLGRAD_ISA asks for a narrower one.
const Table& choose() {
  const char* asked = std::getenv("CELLGRAD_ISA");
  const Table* best = kTables[0];
  for (const Table* table : kTables) {
    if (!supported(table->isa)) break;
    best = table;
    if (asked != nullptr && std::string_view(asked) == table->isa) break;
  }
  return *best;
}

} // namespace

const Table& table() {
  static const Table& chosen = choose();
  return chosen;
}

} // namespace cg::cpu
