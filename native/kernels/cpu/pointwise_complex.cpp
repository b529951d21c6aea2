// Loops of native/kernels/complex.def: compiled once, since the time goes into functions of the C library.
#include <cstring>
#include <vector>

#include "kernels/cpu/complex_math.h"
#include "kernels/cpu/pointwise.h"
#include "kernels/devices.h"

namespace cg::cpu {
namespace {

using namespace complex_math;

// Op::apply takes (p0, x) or (p0, a, b) or (p0, a, b, c).
template <class Op, class T> void loop(void* out, const void* const* in, int64_t n, const double* p) {
  using C = std::complex<T>;
  using First = std::conditional_t<Op::kChoice, uint8_t, C>;
  using Result = std::conditional_t<Op::kTruth, uint8_t, C>;
  auto* y = static_cast<Result*>(out);
  const auto* a = static_cast<const First*>(in[0]);
  const auto p0 = static_cast<T>(p[0]);
  const auto* b = static_cast<const C*>(Op::kFamily == Family::kUnary ? nullptr : in[1]);
  const auto* c = static_cast<const C*>(Op::kFamily == Family::kTernary ? in[2] : nullptr);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (Op::kFamily == Family::kUnary)
      y[i] = Op::template apply<C, T>(p0, a[i]);
    else if constexpr (Op::kFamily == Family::kBinary)
      y[i] = Op::template apply<C, T>(p0, a[i], b[i]);
    else
      y[i] = Op::template apply<C, T>(p0, a[i], b[i], c[i]);
  }
}

// The operands of a family by their names in the rows.
#define CG_kUnary [[maybe_unused]] C x
#define CG_kBinary C a, C b
#define CG_kTernary FirstOf<C> a, C b, C c
#define CG_COMPLEX(family, name, truth, choice, ...)                                                                   \
  struct family##_##name {                                                                                             \
    static constexpr Family kFamily = Family::family;                                                                  \
    static constexpr bool kTruth = truth, kChoice = choice;                                                            \
    template <class C> using FirstOf = std::conditional_t<choice, uint8_t, C>;                                         \
    template <class C, class T> static auto apply([[maybe_unused]] T p0, CG_##family) { return __VA_ARGS__; }          \
  };
#define ARITHMETIC(family, name, ...) CG_COMPLEX(family, name, false, false, __VA_ARGS__)
#define FUNCTION ARITHMETIC
#define TRUTH(family, name, ...) CG_COMPLEX(family, name, true, false, __VA_ARGS__)
#define CHOICE(family, name, ...) CG_COMPLEX(family, name, false, true, __VA_ARGS__)
#include "kernels/complex.def"

struct Meaning {
  Family family;
  const char* name;
  ComplexLoops loops;
};
constexpr Meaning kMeanings[] = {
#define ARITHMETIC(family, name, ...)                                                                                  \
  {Family::family, #name, {&loop<family##_##name, float>, &loop<family##_##name, double>}},
#define TRUTH ARITHMETIC
#define CHOICE ARITHMETIC
#define FUNCTION(family, name, ...) {Family::family, #name, {nullptr, &loop<family##_##name, double>}},
#include "kernels/complex.def"
};

using FamilyLoops = std::vector<ComplexLoops>; // by code
FamilyLoops meanings(Family family) {
  FamilyLoops loops;
  for (const Row& row : rows(family)) {
    loops.push_back({});
    for (const Meaning& meaning : kMeanings)
      if (meaning.family == family && std::strcmp(meaning.name, row.name) == 0) loops.back() = meaning.loops;
  }
  return loops;
}

} // namespace

const ComplexLoops& complex_loops(Family family, int op) {
  static const FamilyLoops kAll[kFamilies] = {meanings(Family::kUnary), meanings(Family::kUnaryAttr),
                                              meanings(Family::kBinary), meanings(Family::kBinaryAttr),
                                              meanings(Family::kTernary)};
  return kAll[static_cast<size_t>(family)][static_cast<size_t>(op)];
}

} // namespace cg::cpu
