// The rows of structured.def that devices have programs for, by name.
#include "kernels/programs/structured.h"

#include <unordered_map>

#include "kernels/devices.h"
#include "kernels/programs/families.h"

namespace cg::programs {
namespace {

using Program = Status (*)(const Context&, const Call&);

const std::unordered_map<std::string_view, Program> kPrograms = {
#define PROGRAM(name) {#name, name},
#include "kernels/programs/programs.def"
#undef PROGRAM
};

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
  return program == nullptr ? Status::kNoKernel : program(context, call);
}

} // namespace cg::programs
