// Loops of native/kernels/binary.def.
#include "kernels/cpu/pointwise_loops.h"
#include "kernels/cpu/vmath_lanes.h"

namespace cg::cpu::CG_ISA {
namespace {

#define CG_INPUTS T a, T b
#define BINARY(name, types, ...) CG_OPERATION(name, 2, false, false, CG_INPUTS, __VA_ARGS__)
#define BINARY_PREDICATE(name, types, ...) CG_OPERATION(name, 2, true, false, CG_INPUTS, __VA_ARGS__)
#include "kernels/binary.def"

// Powers by one small number, which are most, are products, roots and quotients.
template <class T> void loop_pow(void* out, const void* const* in, int64_t n) {
  auto* y = static_cast<T*>(out);
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]);
  const auto each = [&](const auto& power) { CG_SIMD for (int64_t i = 0; i < n; ++i) y[i] = static_cast<T>(power(i)); };
  const T exponent = b[0];
  const auto by = [&](T number) {
    return exponent == number && std::all_of(b, b + n, [=](T x) { return x == number; });
  };
  if (by(2)) return each([=](int64_t i) { return a[i] * a[i]; });
  if (by(3)) return each([=](int64_t i) { return static_cast<double>(a[i]) * a[i] * a[i]; });
  if (by(0.5)) return each([=](int64_t i) { return is_infinite(a[i]) ? abs(a[i]) : sqrt(a[i] + T{0}); }); // -0 is 0
  if (by(-1)) return each([=](int64_t i) { return T{1} / a[i]; });
  each([=](int64_t i) { return pow(a[i], b[i]); });
}

} // namespace

template <> void loop<op_pow, float>(void* out, const void* const* in, int64_t n, const double*) {
  loop_pow<float>(out, in, n);
}
template <> void loop<op_pow, double>(void* out, const void* const* in, int64_t n, const double*) {
  loop_pow<double>(out, in, n);
}
#if defined(__AVX512F__)
CG_LANES_2(siluBackward)
CG_LANES_2(geluBackward)
#endif

extern const Loops binary_loops[] = {
#define BINARY(name, types, ...) loops_for<op_##name>(types{}),
#define BINARY_PREDICATE BINARY
#include "kernels/binary.def"
};

} // namespace cg::cpu::CG_ISA
