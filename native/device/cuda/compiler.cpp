// NVRTC: compiles CUDA C to the code of one architecture.
#include "device/cuda/compiler.h"

#include <algorithm>
#include <vector>

#include "device/cuda/libraries.h"
#include "device/cuda/resolve.h"

namespace cg::cuda {

std::string Compiler::open() {
  if (opened_) return missing_;
  opened_ = true;
  constexpr const char* kNames[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  const Library library = cuda::open(kNames);
  if (library.handle == nullptr)
    return missing_ = "its compiler NVRTC was not found (pip install nvidia-cuda-nvrtc, or set CELLGRAD_CUDA_PATH)";
  if (const std::string symbol = resolve(library.handle, api_); !symbol.empty())
    return missing_ = library.path + " has no " + symbol + ": CUDA 12 or later is needed";
  int major = 0, minor = 0;
  api_.Version(&major, &minor);
  version_ = std::to_string(major) + "." + std::to_string(minor);
  return missing_;
}

bool Compiler::compile(const char* text, int architecture, std::string& code, std::string& log) const {
  int count = 0;
  api_.GetNumSupportedArchs(&count);
  std::vector<int> known(static_cast<size_t>(count));
  api_.GetSupportedArchs(known.data());
  const bool exact = std::find(known.begin(), known.end(), architecture) != known.end();
  int nearest = 0;
  for (const int each : known)
    if (each <= architecture) nearest = std::max(nearest, each);
  if (nearest == 0) {
    log = "NVRTC " + version_ + " does not compile for sm_" + std::to_string(architecture);
    return false;
  }

  ProgramHandle* program = nullptr;
  if (api_.CreateProgram(&program, text, "cellgrad.cu", 0, nullptr, nullptr) != kSuccess) return false;
  const std::string target =
      std::string("--gpu-architecture=") + (exact ? "sm_" : "compute_") + std::to_string(nearest);
  // Products and sums stay apart, so that results are the CPU's; matrix products say fma themselves.
  const char* options[] = {target.c_str(), "--fmad=false", "--std=c++17"};
  const bool compiled = api_.CompileProgram(program, 3, options) == kSuccess;
  size_t bytes = 0;
  if (compiled) {
    (exact ? api_.GetCubinSize : api_.GetPtxSize)(program, &bytes);
    code.resize(bytes);
    (exact ? api_.GetCubin : api_.GetPtx)(program, code.data());
  } else {
    api_.GetProgramLogSize(program, &bytes);
    log.resize(bytes);
    api_.GetProgramLog(program, log.data());
    log = log.c_str(); // up to its end
  }
  api_.DestroyProgram(&program);
  return compiled;
}

} // namespace cg::cuda
