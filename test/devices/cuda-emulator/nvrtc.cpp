// libnvrtc.so.13 of the emulator: "compiles" CUDA C to the name of a shared object with the kernel for this processor.
#include <cstring>
#include <string>

#include "objects.h"

namespace {

struct Program { std::string text, log, code; };

constexpr int kArchitectures[] = {75, 80, 86, 89, 90, 100, 120};
constexpr int kSuccess = 0, kInvalidInput = 3, kInvalidOption = 5, kCompilation = 6;

} // namespace

extern "C" {

int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return kSuccess;
}

int nvrtcGetNumSupportedArchs(int* count) {
  *count = sizeof kArchitectures / sizeof *kArchitectures;
  return kSuccess;
}

int nvrtcGetSupportedArchs(int* archs) {
  std::memcpy(archs, kArchitectures, sizeof kArchitectures);
  return kSuccess;
}

int nvrtcCreateProgram(Program** program, const char* text, const char*, int headers, const char* const*,
                       const char* const*) {
  if (text == nullptr || headers != 0) return kInvalidInput;
  *program = new Program{text, "", ""};
  return kSuccess;
}

int nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  bool has_target = false;
  for (int i = 0; i < count; ++i) {
    const std::string option = options[i];
    const bool target = option.rfind("--gpu-architecture=", 0) == 0;
    has_target |= target;
    if (!target && option != "--fmad=false" && option != "--std=c++17") return kInvalidOption;
  }
  if (!has_target) return kInvalidOption;
  if (!emulator::compile({program->text}, program->log)) return kCompilation;
  program->code = emulator::object_of(program->text) + "\n" + emulator::symbol_of(program->text);
  return kSuccess;
}

int nvrtcGetProgramLogSize(Program* program, size_t* bytes) {
  *bytes = program->log.size() + 1;
  return kSuccess;
}
int nvrtcGetProgramLog(Program* program, char* log) {
  std::memcpy(log, program->log.c_str(), program->log.size() + 1);
  return kSuccess;
}

int nvrtcGetCUBINSize(Program* program, size_t* bytes) {
  *bytes = program->code.size() + 1;
  return kSuccess;
}
int nvrtcGetCUBIN(Program* program, char* cubin) {
  std::memcpy(cubin, program->code.c_str(), program->code.size() + 1);
  return kSuccess;
}
int nvrtcGetPTXSize(Program* program, size_t* bytes) { return nvrtcGetCUBINSize(program, bytes); }
int nvrtcGetPTX(Program* program, char* ptx) { return nvrtcGetCUBIN(program, ptx); }

int nvrtcDestroyProgram(Program** program) {
  delete *program;
  *program = nullptr;
  return kSuccess;
}

} // extern "C"
