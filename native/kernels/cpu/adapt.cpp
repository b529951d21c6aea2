// Runs structured kernels on every dtype on the CPU.
#include "kernels/cpu/adapt.h"

#include <deque>

#include "core/parallel.h"
#include "kernels/adapt.h"
#include "kernels/cpu/complex_kernels.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/table.h"

namespace cg::cpu {
namespace {

class HostSite final : public Site {
public:
  explicit HostSite(Kernel run) : run_(run) {}
  void* room(size_t bytes) override {
    const Scratch& copy = copies_.emplace_back(bytes);
    return copy.ok() ? copy.as<void>() : nullptr;
  }
  Status copy(const View& dst, const View& src) override { return cpu::copy(dst, src); }
  Status run(const Call& call) override { return run_(call); }

private:
  Kernel run_;
  std::deque<Scratch> copies_;
};

Status run_complex(int kernel, Kernel run, const Call& call) {
  switch (kernel) {
  case k_prod: return complex_prod(call);
  case k_cumprod: return complex_cumprod(call);
  case k_matmul:
  case k_dot: return complex_product(run, call);
  default: break;
  }
  HostSite site(run);
  const Status status = run_parts(site, kernel, call);
  return status == Status::kNoKernel ? run(call) : status;
}

} // namespace

Status run_structured(int kernel, const Call& call) {
  const Kernel run = table().structured[static_cast<size_t>(kernel)];
  if (holds_complex(call)) return run_complex(kernel, run, call);
  const Status status = run(call);
  if (status != Status::kUnsupportedDType) return status;
  HostSite site(run);
  return run_converted(site, call, wider);
}

} // namespace cg::cpu
