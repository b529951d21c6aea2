// Brings operands into a dtype that a structured kernel has loops or a text for, and its results back.
#include "kernels/adapt.h"

namespace cg {
namespace {

DType truth_of(DType dtype) { return is_complex(dtype) ? DType::kBool : dtype; }
DType real_of(DType dtype) { return is_complex(dtype) ? real_part(dtype) : dtype; }

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
Status run_pairs(Site& site, const Call& call, bool repeated) {
  std::vector<View> in(call.in.begin(), call.in.end()), out(call.out.begin(), call.out.end());
  for (std::vector<View>* views : {&in, &out})
    for (View& view : *views) {
      if (view.rank + 2 > kMaxRank) return fail(Status::kUnsupportedDType);
      if (is_complex(view.dtype) || repeated) view = pairs(view);
    }
  return site.run({in, out, call.attr});
}

} // namespace

Status run_converted(Site& site, const Call& call, DType (*choose)(DType)) {
  const auto converted = [&](const View& view, View& copied) {
    copied = view;
    copied.dtype = choose(view.dtype);
    if (copied.dtype == view.dtype) return Status::kOk;
    make_contiguous(copied);
    copied.data = site.room(static_cast<size_t>(copied.numel) * element_size(copied.dtype));
    if (copied.data == nullptr && copied.numel > 0) return Status::kOutOfMemory;
    return site.copy(copied, view); // outputs as well: an in-place kernel reads them
  };
  std::vector<View> in(call.in.size()), out(call.out.size());
  for (size_t i = 0; i < in.size(); ++i)
    if (const Status status = converted(call.in[i], in[i]); status != Status::kOk) return status;
  for (size_t i = 0; i < out.size(); ++i)
    if (const Status status = converted(call.out[i], out[i]); status != Status::kOk) return status;
  if (const Status status = site.run({in, out, call.attr}); status != Status::kOk) return status;
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].dtype == call.out[i].dtype) continue;
    if (const Status status = site.copy(call.out[i], out[i]); status != Status::kOk) return status;
  }
  return Status::kOk;
}

Status run_parts(Site& site, int kernel, const Call& call) {
  switch (kernel) {
  case k_sum:
  case k_mean:
  case k_cumsum:
  case k_indexAdd:
  case k_indexPut: return run_pairs(site, call, false);
  case k_scatter: return call.integer(1) == 2 ? Status::kNoKernel : run_pairs(site, call, true);
  case k_any:
  case k_all:
  case k_countNonzero: return run_converted(site, call, truth_of);
  case k_eye:
  case k_linspace: return run_converted(site, call, real_of);
  default: return Status::kNoKernel;
  }
}

} // namespace cg
