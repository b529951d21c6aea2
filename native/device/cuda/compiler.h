// NVRTC: compiles CUDA C to the code of one architecture.
#pragma once
#include <string>

#include "device/cuda/api.h"

namespace cg::cuda {

class Compiler {
public:
  // Opens NVRTC once; answers why that did not work, or nothing.
  std::string open();

  // Code for the architecture (90: sm_90), or PTX for the nearest earlier one where NVRTC does not know it yet.
  // False: `log` has the compiler's words.
  bool compile(const char* text, int architecture, std::string& code, std::string& log) const;
  const std::string& version() const { return version_; }

private:
  NvrtcApi api_;
  std::string version_;
  std::string missing_;
  bool opened_ = false;
};

} // namespace cg::cuda
