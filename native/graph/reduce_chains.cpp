// Puts reductions at the end of the chains whose elements they take.
#include <algorithm>
#include <string_view>
#include <utility>

#include "graph/passes.h"
#include "kernels/devices.h"

namespace cg::graph {
namespace {

constexpr int64_t kWorthAChain = 4096; // elements from which a single step is not better off alone

// Kernels that read their input through Call::feed; the first ones read numbers of every kind.
constexpr std::string_view kFedReductions[] = {"sum",          "amax",   "amin",   "any",     "all",
                                               "countNonzero", "mean",   "prod",   "varMean", "argmax",
                                               "logsumexp",    "argmin", "maxDim", "minDim",  "vectorNorm"};
constexpr auto kOfEveryKind = 6;

bool reads_a_feed(const Step& step) {
  if (step.kind != StepKind::kStructured || !step.fresh.empty()) return false;
  const std::string_view name = structured_names()[static_cast<size_t>(step.op)];
  const auto* found = std::ranges::find(kFedReductions, name);
  const View& x = step.in[0].view;
  if (found == std::end(kFedReductions) || step.in[0].buffer == Operand::kNumber || !x.contiguous()) return false;
  const bool floats = x.dtype == DType::kFloat32 || x.dtype == DType::kFloat64;
  const bool whole = x.dtype == DType::kInt32 || x.dtype == DType::kInt64 || x.dtype == DType::kBool;
  return floats || (whole && found - kFedReductions < kOfEveryKind);
}

bool uses(const std::vector<Operand>& operands, int buffer) {
  return buffer != Operand::kNumber && std::ranges::find(operands, buffer, &Operand::buffer) != operands.end();
}

// Which output of `step` is exactly what the reduction reads, or -1.
int output_for(const Step& step, const Operand& wanted) {
  const auto same = [&](const Operand& out) {
    return out.buffer == wanted.buffer && out.offset == wanted.offset && out.view.numel == wanted.view.numel &&
           out.view.dtype == wanted.view.dtype && out.view.contiguous();
  };
  const auto found = std::ranges::find_if(step.out, same);
  return found == step.out.end() ? -1 : static_cast<int>(found - step.out.begin());
}

// The last step before `at` that writes what the step there reads, when the latter can run right behind it; else `at`.
size_t maker_of(const std::vector<Step>& steps, size_t at) {
  const Step& reduction = steps[at];
  for (size_t i = at; i-- > 0;) {
    if (uses(steps[i].out, reduction.in[0].buffer)) return i;
    for (const Operand& out : reduction.out)
      if (uses(steps[i].in, out.buffer) || uses(steps[i].out, out.buffer)) return at;
  }
  return at;
}

} // namespace

std::vector<Step> reduce_chains(std::vector<Step> steps, const std::vector<bool>& kept) {
  for (size_t at = 1; at < steps.size(); ++at) {
    if (!reads_a_feed(steps[at])) continue;
    const size_t maker = maker_of(steps, at);
    const int output = maker == at ? -1 : output_for(steps[maker], steps[at].in[0]);
    if (output < 0) continue;
    Step& chain = steps[maker];
    if (chain.kind != StepKind::kChain) {
      std::optional<Step> single;
      if (chain.out[0].view.numel >= kWorthAChain) single = as_chain(chain);
      if (!single) continue;
      chain = std::move(*single);
    }
    Step& reduction = steps[at];
    if (std::ranges::any_of(reduction.out, [&](const Operand& out) {
          return uses(chain.in, out.buffer) || uses(chain.out, out.buffer);
        }))
      continue;
    const Operand fed = reduction.in[0];
    const auto b = static_cast<size_t>(fed.buffer);
    bool read = kept[b] || uses(chain.in, fed.buffer);
    for (size_t i = maker + 1; i < steps.size() && !read; ++i)
      read = i != at && (uses(steps[i].in, fed.buffer) || uses(steps[i].out, fed.buffer));
    chain.kind = StepKind::kReducedChain;
    chain.fed = chain.chain.outputs[static_cast<size_t>(output)];
    chain.fed_view = fed.view;
    chain.op = reduction.op;
    chain.attributes = std::move(reduction.attributes);
    if (!read) {
      chain.out.erase(chain.out.begin() + output);
      chain.chain.outputs.erase(chain.chain.outputs.begin() + output);
      chain.chain.aliased.erase(chain.chain.aliased.begin() + output);
    }
    chain.out.insert(chain.out.end(), reduction.out.begin(), reduction.out.end());
    steps.erase(steps.begin() + static_cast<ptrdiff_t>(at--));
  }
  return steps;
}

} // namespace cg::graph
