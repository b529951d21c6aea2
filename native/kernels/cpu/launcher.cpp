// Launches kernels on the CPU: every call runs to its end.
#include "kernels/cpu/launcher.h"

#include <cstring>

#include "kernels/cpu/adapt.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/pointwise.h"

namespace cg::cpu {
namespace {

class CpuLauncher final : public Launcher {
public:
  Status pointwise(const Pointwise& call, const View& out) override { return cpu::pointwise(call, out); }
  Status structured(int kernel, const Call& call) override { return run_structured(kernel, call); }
  Status copy(const View& dst, const View& src) override { return cpu::copy(dst, src); }
  Status upload(void* dst, const void* host, size_t bytes) override {
    std::memcpy(dst, host, bytes);
    return Status::kOk;
  }
  Status download(void* host, const void* src, size_t bytes) override {
    std::memcpy(host, src, bytes);
    return Status::kOk;
  }
  Status synchronize(int32_t) override { return Status::kOk; }
};

} // namespace

Launcher& launcher() {
  static CpuLauncher instance;
  return instance;
}

} // namespace cg::cpu
