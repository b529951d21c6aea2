// Pointwise rows, copies and fills as programs.
#pragma once
#include "device/device.h"
#include "kernels/devices.h"
#include "kernels/programs/context.h"

namespace cg::programs {

// How the elements of a launch are found. kDense: element i, or element 0 where the operand is repeated.
enum class Addressing { kDense, kStrided };

struct Operand {
  DType dtype;
  bool repeated; // one element for all; only with kDense
  bool by_value; // a number of the caller, passed with the launch
};

// The text of a row; the operands are the output and then the inputs. Empty when the row has no meaning for the dtype.
std::string pointwise_text(const Row& row, DType dtype, Addressing addressing, std::span<const Operand> operands);

// kNoKernel: the CPU must do it.
Status pointwise(const Context& context, const Row& row, const Pointwise& call, const View& out);

} // namespace cg::programs
