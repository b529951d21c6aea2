// The processor this program runs on.
#include "device/cpu/cpu.h"

#include <fstream>

#include "core/parallel.h"

namespace cg::cpu {
namespace {

std::string model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

} // namespace

Device device(Launcher& launcher, const std::string& isa) {
  const int threads = thread_count();
  return {.name = "cpu",
          .description =
              model() + ", " + isa + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
          .reason = "",
          .memory = &host_allocator(),
          .launcher = &launcher};
}

} // namespace cg::cpu
