// Conversion loops between all pairs of element types.
#include <bit>
#include <complex>
#include <cstring>
#include <type_traits>
#include <utility>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/table.h"

namespace cg::cpu::CG_ISA {
namespace {

using Half = _Float16;
struct BFloat16 { uint16_t bits; };
template <class T> constexpr bool is_complex = false;
template <class T> constexpr bool is_complex<std::complex<T>> = true;

CG_INLINE float widen(BFloat16 x) { return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16); }
CG_INLINE BFloat16 narrow(float x) {
  const auto b = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (b + 0x7fffu + ((b >> 16) & 1u)) >> 16; // half to even
  return {static_cast<uint16_t>(x == x ? rounded : 0x7fc0u)};
}

template <class D, class S> CG_INLINE D to(S x) {
  if constexpr (std::is_same_v<D, S>) {
    return x;
  } else if constexpr (std::is_same_v<S, BFloat16>) {
    return to<D>(widen(x));
  } else if constexpr (std::is_same_v<D, BFloat16>) {
    return narrow(to<float>(x));
  } else if constexpr (is_complex<S> && is_complex<D>) {
    return {static_cast<typename D::value_type>(x.real()), static_cast<typename D::value_type>(x.imag())};
  } else if constexpr (is_complex<S>) {
    if constexpr (std::is_same_v<D, bool>) return x.real() != 0 || x.imag() != 0;
    return to<D>(x.real());
  } else if constexpr (is_complex<D>) {
    return {to<typename D::value_type>(x), 0};
  } else if constexpr (std::is_same_v<D, bool>) {
    return x != 0;
  } else if constexpr (std::is_same_v<S, Half> && !std::is_same_v<D, float>) {
    return to<D>(static_cast<float>(x));
  } else if constexpr (std::is_floating_point_v<S> && std::is_integral_v<D> && sizeof(D) < 4) {
    return static_cast<D>(static_cast<int32_t>(x)); // wraps, as in torch
  } else {
    return static_cast<D>(x);
  }
}

template <class D, class S>
void convert(void* dst, int64_t dst_stride, const void* src, int64_t src_stride, int64_t n) {
  auto* d = static_cast<D*>(dst);
  const auto* s = static_cast<const S*>(src);
  if (dst_stride == sizeof(D) && src_stride == sizeof(S)) {
    if constexpr (std::is_same_v<D, S>) {
      std::memcpy(dst, src, static_cast<size_t>(n) * sizeof(D));
    } else {
      CG_SIMD for (int64_t i = 0; i < n; ++i) d[i] = to<D>(s[i]);
    }
  } else if (dst_stride == sizeof(D) && src_stride == 0) {
    const D value = to<D>(*s);
    for (int64_t i = 0; i < n; ++i) d[i] = value;
  } else {
    const auto* from = static_cast<const char*>(src);
    auto* into = static_cast<char*>(dst);
    for (int64_t i = 0; i < n; ++i, into += dst_stride, from += src_stride)
      *reinterpret_cast<D*>(into) = to<D>(*reinterpret_cast<const S*>(from));
  }
}

// ORDER DTYPE
template <class... Types> struct List {};
using All = List<bool, uint8_t, int8_t, int16_t, int32_t, int64_t, Half, BFloat16, float, double, std::complex<float>,
                 std::complex<double>>;

template <class D, class... S> constexpr ConvertRow row(List<S...>) { return {&convert<D, S>...}; }
template <class... D> constexpr ConvertTable table(List<D...> all) { return {row<D>(all)...}; }

} // namespace

extern const ConvertTable convert_table;
const ConvertTable convert_table = table(All{});

} // namespace cg::cpu::CG_ISA
