// Carries tiles of eight registers through the steps.
#include "kernels/cpu/carry.h"

#include <algorithm>
#include <string_view>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/vmath_lanes.h"

namespace cg::cpu::CG_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int kWidth = 16;
#elif defined(__AVX__)
constexpr int kWidth = 8;
#else
constexpr int kWidth = 4;
#endif
constexpr int kRegisters = 8, kTile = kRegisters * kWidth;

using Lanes [[gnu::vector_size(kWidth * sizeof(float))]] = float;
using Unaligned [[gnu::vector_size(kWidth * sizeof(float)), gnu::aligned(4), gnu::may_alias]] = float;

// Calls fn with the place of each register; unrolled, so that an array of them is registers.
template <class Fn> CG_INLINE void each(const Fn& fn) {
#pragma GCC unroll 8
  for (int r = 0; r < kRegisters; ++r) fn(r);
}

CG_INLINE Lanes load(const float* at) { return *reinterpret_cast<const Unaligned*>(at); }

// value[r] = fn(value[r], operand[r])
template <class Fn> CG_INLINE void combine(Lanes* value, const CarryStep& step, int64_t at, const Fn& fn) {
  if (step.repeated) {
    const Lanes operand = Lanes{} + *step.operand;
    each([&](int r) { value[r] = fn(value[r], operand); });
  } else {
    each([&](int r) { value[r] = fn(value[r], load(step.operand + at + r * kWidth)); });
  }
}

void tile(float* out, const float* first, std::span<const CarryStep> steps, int64_t at) {
  Lanes value[kRegisters];
  each([&](int r) { value[r] = load(first + at + r * kWidth); });
  for (const CarryStep& step : steps) {
    switch (step.op) {
    case Carry::kAdd: combine(value, step, at, [](Lanes a, Lanes b) { return a + b; }); break;
    case Carry::kSub: combine(value, step, at, [](Lanes a, Lanes b) { return a - b; }); break;
    case Carry::kSubFrom: combine(value, step, at, [](Lanes a, Lanes b) { return b - a; }); break;
    case Carry::kMul: combine(value, step, at, [](Lanes a, Lanes b) { return a * b; }); break;
    case Carry::kDiv: combine(value, step, at, [](Lanes a, Lanes b) { return a / b; }); break;
    case Carry::kDivInto: combine(value, step, at, [](Lanes a, Lanes b) { return b / a; }); break;
#if defined(__AVX512F__)
    case Carry::kExp: each([&](int r) { value[r] = lanes::exp(value[r]); }); break;
    case Carry::kTanh: each([&](int r) { value[r] = lanes::tanh(value[r]); }); break;
    case Carry::kSigmoid: each([&](int r) { value[r] = lanes::sigmoid(value[r]); }); break;
#endif
    default: break;
    }
  }
  each([&](int r) { *reinterpret_cast<Unaligned*>(out + at + r * kWidth) = value[r]; });
}

void carry(float* out, const float* first, std::span<const CarryStep> steps, int64_t n) {
  constexpr size_t kMostSteps = 48;
  int64_t at = 0;
  for (; at + kTile <= n; at += kTile) tile(out, first, steps, at);
  // What is left, as a whole tile of copies.
  const int64_t rest = n - at;
  if (rest == 0) return;
  float value[kTile] = {}, operands[kMostSteps][kTile];
  CarryStep copied[kMostSteps];
  std::copy_n(first + at, rest, value);
  for (size_t s = 0; s < steps.size(); ++s) {
    copied[s] = steps[s];
    if (steps[s].operand == nullptr || steps[s].repeated) continue;
    std::fill(std::copy_n(steps[s].operand + at, rest, operands[s]), operands[s] + kTile, 0.0f);
    copied[s].operand = operands[s];
  }
  tile(value, value, {copied, steps.size()}, 0);
  std::copy_n(value, rest, out + at);
}

constexpr Carry carried(std::string_view row) {
  if (row == "add") return Carry::kAdd;
  if (row == "sub") return Carry::kSub;
  if (row == "mul") return Carry::kMul;
  if (row == "div") return Carry::kDiv;
#if defined(__AVX512F__)
  if (row == "exp") return Carry::kExp;
  if (row == "tanh") return Carry::kTanh;
  if (row == "sigmoid") return Carry::kSigmoid;
#endif
  return Carry::kNone;
}

#define UNARY(name, ...) carried(#name),
#define UNARY_PREDICATE UNARY
constexpr Carry kUnary[] = {
#include "kernels/unary.def"
};
#define BINARY(name, ...) carried(#name),
#define BINARY_PREDICATE BINARY
constexpr Carry kBinary[] = {
#include "kernels/binary.def"
};

} // namespace

extern const Carrying carrying;
const Carrying carrying = {carry, kUnary, kBinary};

} // namespace cg::cpu::CG_ISA
