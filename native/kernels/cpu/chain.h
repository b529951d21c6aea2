// Several pointwise steps in one pass over the elements: what lies between them never reaches memory.
#pragma once
#include <optional>
#include <vector>

#include "device/device.h"

namespace cg::cpu {

struct Chain {
  struct Step {
    bool copies; // the result is the first input, converted
    Family family;
    int op;
    DType dtype; // of the computation
    double p[2];
    int inputs;
    int in[kMostInputs]; // values
    int out;             // a value
  };
  std::vector<DType> values; // in which dtype a block of each is held; the first are the chain's inputs
  std::vector<int> buffers;  // which block of scratch holds each value
  int scratch = 0;           // how many there are
  std::vector<Step> steps;
  std::vector<int> outputs;  // values that are written to memory
  std::vector<bool> aliased; // of each output: an input lies in the same memory
};

// The dtype in which the row's result is made, when a chain can compute it in `dtype`.
std::optional<DType> chain_result(Family family, int op, DType dtype);
// The dtype in which a chain's step reads its input `k`.
DType chain_operand(Family family, int op, DType dtype, int k);

// Inputs have the outputs' numel, or one element; outputs are contiguous.
Status chain(const Chain& chain, std::span<const View> in, std::span<const View> out);

// The same, and the structured kernel `reduction` of the value `fed`, seen as `fed_view` says, into `reduced`: what is reduced needs no memory.
Status reduce_chain(const Chain& chain, std::span<const View> in, std::span<const View> out, int fed,
                    const View& fed_view, int reduction, std::span<const double> attributes,
                    std::span<const View> reduced);

} // namespace cg::cpu
