// The rows of structured.def that devices have programs for, by name. A program without a text for halves or small integers runs on copies.
#include "kernels/programs/structured.h"

#include <deque>
#include <unordered_map>

#include "kernels/adapt.h"
#include "kernels/devices.h"
#include "kernels/programs/complex.h"
#include "kernels/programs/families.h"

namespace cg::programs {
namespace {

using Program = Status (*)(const Context&, const Call&);

const std::unordered_map<std::string_view, Program> kPrograms = {
#define PROGRAM(name) {#name, name},
#include "kernels/programs/programs.def"
#undef PROGRAM
};

class DeviceSite final : public Site {
public:
  DeviceSite(const Context& context, Program program) : context_(context), program_(program) {}
  void* room(size_t bytes) override { return copies_.emplace_back(context_, bytes).data(); }
  Status copy(const View& dst, const View& src) override { return context_.copy(dst, src); }
  Status run(const Call& call) override { return program_(context_, call); }

private:
  const Context& context_;
  Program program_;
  std::deque<Temporary> copies_;
};

bool widens(std::span<const View> views) {
  return std::any_of(views.begin(), views.end(), [](const View& view) { return wider(view.dtype) != view.dtype; });
}

// By code, so that a launch looks nothing up.
std::vector<Program> by_code() {
  std::vector<Program> programs;
  for (const char* name : structured_names()) {
    const auto found = kPrograms.find(name);
    programs.push_back(found == kPrograms.end() ? nullptr : found->second);
  }
  return programs;
}

} // namespace

Status structured(const Context& context, int kernel, const Call& call) {
  static const std::vector<Program> programs = by_code();
  const Program program = programs[static_cast<size_t>(kernel)];
  if (program == nullptr) return Status::kNoKernel;
  DeviceSite site(context, program);
  if (kernel == k_matmul && is_complex(call.out[0].dtype)) return complex_matmul(context, call);
  if (holds_complex(call))
    if (const Status status = run_parts(site, kernel, call); status != Status::kNoKernel) return status;
  const Status status = program(context, call);
  return status == Status::kNoKernel && (widens(call.in) || widens(call.out)) ? run_converted(site, call, wider)
                                                                              : status;
}

} // namespace cg::programs
