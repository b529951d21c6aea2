// Names, texts and kinds of the rows of the .def files.
#include "kernels/devices.h"

namespace cg {
namespace {

constexpr Row kUnary[] = {
#define UNARY(name, types, ...) {#name, #__VA_ARGS__, 1, false, false, #types},
#define UNARY_PREDICATE(name, types, ...) {#name, #__VA_ARGS__, 1, true, false, #types},
#include "kernels/unary.def"
};
constexpr Row kUnaryAttr[] = {
#define UNARY_ATTR(name, types, ...) {#name, #__VA_ARGS__, 1, false, false, #types},
#include "kernels/unary_attr.def"
};
constexpr Row kBinary[] = {
#define BINARY(name, types, ...) {#name, #__VA_ARGS__, 2, false, false, #types},
#define BINARY_PREDICATE(name, types, ...) {#name, #__VA_ARGS__, 2, true, false, #types},
#include "kernels/binary.def"
};
constexpr Row kBinaryAttr[] = {
#define BINARY_ATTR(name, types, ...) {#name, #__VA_ARGS__, 2, false, false, #types},
#include "kernels/binary_attr.def"
};
constexpr Row kTernary[] = {
#define TERNARY(name, types, ...) {#name, #__VA_ARGS__, 3, false, false, #types},
#define SELECT(name, types, ...) {#name, #__VA_ARGS__, 3, false, true, #types},
#include "kernels/ternary.def"
};

constexpr const char* kStructured[] = {
#define STRUCTURED(name) #name,
#define COMMON(name) #name,
#include "kernels/structured.def"
#undef STRUCTURED
#undef COMMON
};

} // namespace

std::span<const Row> rows(Family family) {
  static constexpr std::span<const Row> kRows[kFamilies] = {kUnary, kUnaryAttr, kBinary, kBinaryAttr, kTernary};
  return kRows[static_cast<int>(family)];
}

std::span<const char* const> structured_names() { return kStructured; }

} // namespace cg
