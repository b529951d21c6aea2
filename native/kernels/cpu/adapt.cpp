// Brings operands into a dtype that a structured kernel has loops for, and its results back.
#include "kernels/cpu/adapt.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "core/parallel.h"
#include "core/shape.h"
#include "kernels/cpu/complex_kernels.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/table.h"

namespace cg::cpu {
namespace {

// The codes of structured.def.
enum Code : int {
#define STRUCTURED(name) k_##name,
#define COMMON(name) k_##name,
#include "kernels/structured.def"
#undef STRUCTURED
#undef COMMON
};

using Choose = DType (*)(DType);

// The dtype in which those without loops are computed; their own for the others.
DType wider(DType dtype) {
  switch (dtype) {
  case DType::kFloat16:
  case DType::kBFloat16: return DType::kFloat32;
  case DType::kUInt8:
  case DType::kInt8:
  case DType::kInt16: return DType::kInt32;
  default: return dtype;
  }
}
DType truth_of(DType dtype) { return is_complex(dtype) ? DType::kBool : dtype; }
DType real_of(DType dtype) { return is_complex(dtype) ? DType::kFloat64 : dtype; }

// Runs a kernel on copies whose dtypes `choose` names; what it wrote is converted back.
Status run_converted(Kernel run, const Call& call, Choose choose) {
  std::deque<Scratch> copies;
  const auto converted = [&](const View& view, View& copied) {
    copied = view;
    copied.dtype = choose(view.dtype);
    if (copied.dtype == view.dtype) return Status::kOk;
    make_contiguous(copied);
    copied.data = copies.emplace_back(static_cast<size_t>(copied.numel) * element_size(copied.dtype)).as<void>();
    if (!copies.back().ok()) return Status::kOutOfMemory;
    return copy(copied, view); // outputs as well: an in-place kernel reads them
  };
  std::vector<View> in(call.in.size()), out(call.out.size());
  for (size_t i = 0; i < in.size(); ++i)
    if (const Status status = converted(call.in[i], in[i]); status != Status::kOk) return status;
  for (size_t i = 0; i < out.size(); ++i)
    if (const Status status = converted(call.out[i], out[i]); status != Status::kOk) return status;
  if (const Status status = run({in, out, call.attr}); status != Status::kOk) return status;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].dtype == call.out[i].dtype) continue;
    if (const Status status = copy(call.out[i], out[i]); status != Status::kOk) return status;
  }
  return Status::kOk;
}

// A complex view with one more dim: real part, imaginary part. A view of another dtype repeats along it.
View pairs(const View& view) {
  View real = view;
  if (view.rank == 0) real.sizes[real.rank] = 1, real.strides[real.rank++] = 0; // dims of the call stay what they are
  const bool complex = is_complex(view.dtype);
  if (complex) {
    real.dtype = real_part(view.dtype);
    for (int d = 0; d < real.rank; ++d) real.strides[d] *= 2;
  }
  real.sizes[real.rank] = 2;
  real.strides[real.rank++] = complex ? 1 : 0;
  real.numel *= 2;
  return real;
}

// Linear kernels treat real and imaginary parts alike. `repeated`: the index has an element for each of self's.
Status run_pairs(Kernel run, const Call& call, bool repeated) {
  std::vector<View> in(call.in.begin(), call.in.end()), out(call.out.begin(), call.out.end());
  for (std::vector<View>* views : {&in, &out})
    for (View& view : *views) {
      if (view.rank + 2 > kMaxRank) return fail(Status::kUnsupportedDType);
      if (is_complex(view.dtype) || repeated) view = pairs(view);
    }
  return run({in, out, call.attr});
}

bool holds_complex(std::span<const View> views) {
  return std::any_of(views.begin(), views.end(), [](const View& view) { return is_complex(view.dtype); });
}

Status run_complex(int kernel, Kernel run, const Call& call) {
  switch (kernel) {
  case k_sum:
  case k_mean:
  case k_cumsum:
  case k_indexAdd:
  case k_indexPut: return run_pairs(run, call, false);
  case k_scatter: return call.integer(1) == 2 ? fail(Status::kUnsupportedDType) : run_pairs(run, call, true);
  case k_any:
  case k_all:
  case k_countNonzero: return run_converted(run, call, truth_of);
  case k_eye:
  case k_linspace: return run_converted(run, call, real_of);
  case k_prod: return complex_prod(call);
  case k_cumprod: return complex_cumprod(call);
  case k_matmul:
  case k_dot: return complex_product(run, call);
  default: return run(call);
  }
}

} // namespace

Status run_structured(int kernel, const Call& call) {
  const Kernel run = table().structured[static_cast<size_t>(kernel)];
  if (holds_complex(call.in) || holds_complex(call.out)) return run_complex(kernel, run, call);
  const Status status = run(call);
  return status == Status::kUnsupportedDType ? run_converted(run, call, wider) : status;
}

} // namespace cg::cpu
