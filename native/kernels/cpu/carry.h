// Steps of a chain, one after another on one value, which stays in registers from the first to the last.
#pragma once
#include <cstdint>
#include <span>

namespace cg::cpu {

enum class Carry : uint8_t { kNone, kAdd, kSub, kSubFrom, kMul, kDiv, kDivInto, kExp, kTanh, kSigmoid };

struct CarryStep {
  Carry op = Carry::kNone;
  bool repeated = false; // the operand is one number; otherwise as many as the value has
  const float* operand = nullptr;
};

// out[i] = first[i] after all steps, n float32; out may be `first` or an operand.
using CarryLoop = void (*)(float* out, const float* first, std::span<const CarryStep> steps, int64_t n);

// Which rows an instruction set can carry: as steps, by code (kNone: it cannot).
struct Carrying {
  CarryLoop loop;
  std::span<const Carry> unary, binary;
};

} // namespace cg::cpu
