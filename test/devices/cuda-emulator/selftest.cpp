// Shows that the emulator notices what a card would: each case in a process of its own prints the errors that the driver gave.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>

#include <dlfcn.h>

namespace {

const char* kHead = "#define BARRIER __syncthreads()\nextern \"C\" __global__ void run(float* x, int n) {\n"
                    "  __shared__ float shared[64];\n  int t = threadIdx.x;\n";

struct Case {
  const char* name;
  const char* body;
};
constexpr Case kCases[] = {
    {"reverses", "  shared[t] = t;\n  BARRIER;\n  x[t] = shared[63 - t];\n}\n"},
    {"races", "  shared[t] = t;\n  x[t] = shared[63 - t];\n}\n"},
    {"overruns", "  x[t + n] = 1;\n}\n"},
    {"diverges", "  if (t < 32) return;\n  BARRIER;\n  x[t] = 1;\n}\n"},
    {"misspelt", "  x[t] = undefined_name;\n}\n"},
};

template <class F> F find(void* library, const char* name) { return reinterpret_cast<F>(dlsym(library, name)); }

} // namespace

// selftest FOLDER CASE: prints "compile launch wait again first last", results of the calls and elements 0 and 63.
int main(int count, char** arguments) {
  if (count != 3) return 2;
  const std::string folder = arguments[1];
  void* driver = dlopen((folder + "/libcuda.so.1").c_str(), RTLD_NOW);
  void* nvrtc = dlopen((folder + "/libnvrtc.so.13").c_str(), RTLD_NOW);
  std::string text = kHead;
  for (const Case& each : kCases)
    if (std::strcmp(each.name, arguments[2]) == 0) text += each.body;

  void *program, *context, *stream, *event, *module, *function, *pinned;
  const char* option = "--gpu-architecture=sm_90";
  find<int (*)(void**, const char*, const char*, int, const char* const*, const char* const*)>(
      nvrtc, "nvrtcCreateProgram")(&program, text.c_str(), "x.cu", 0, nullptr, nullptr);
  const int compiled = find<int (*)(void*, int, const char* const*)>(nvrtc, "nvrtcCompileProgram")(program, 1, &option);
  if (compiled != 0) return std::printf("%d\n", compiled) < 0;
  size_t bytes = 0;
  find<int (*)(void*, size_t*)>(nvrtc, "nvrtcGetCUBINSize")(program, &bytes);
  std::string code(bytes, '\0');
  find<int (*)(void*, char*)>(nvrtc, "nvrtcGetCUBIN")(program, code.data());

  uint64_t x = 0;
  int n = 1 << 20;
  float values[64] = {};
  find<int (*)(unsigned)>(driver, "cuInit")(0);
  find<int (*)(void**, int)>(driver, "cuDevicePrimaryCtxRetain")(&context, 0);
  find<int (*)(void*)>(driver, "cuCtxSetCurrent")(context);
  find<int (*)(void**, unsigned)>(driver, "cuStreamCreate")(&stream, 1);
  find<int (*)(void**, unsigned)>(driver, "cuEventCreate")(&event, 0);
  find<int (*)(uint64_t*, size_t)>(driver, "cuMemAlloc_v2")(&x, static_cast<size_t>(n) * sizeof(float));
  find<int (*)(void**, size_t, unsigned)>(driver, "cuMemHostAlloc")(&pinned, sizeof values, 0);
  find<int (*)(void**, const void*)>(driver, "cuModuleLoadData")(&module, code.data());
  find<int (*)(void**, void*, const char*)>(driver, "cuModuleGetFunction")(&function, module, "run");
  void* parameters[] = {&x, &n};
  const int launched =
      find<int (*)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**, void**)>(
          driver, "cuLaunchKernel")(function, 1, 1, 1, 64, 1, 1, 0, stream, parameters, nullptr);
  find<int (*)(void*, uint64_t, size_t, void*)>(driver, "cuMemcpyDtoHAsync_v2")(pinned, x, sizeof values, stream);
  find<int (*)(void*, void*)>(driver, "cuEventRecord")(event, stream);
  const int waited = find<int (*)(void*)>(driver, "cuEventSynchronize")(event);
  const int again = find<int (*)(uint64_t*, size_t)>(driver, "cuMemAlloc_v2")(&x, 64);
  std::memcpy(values, pinned, sizeof values);
  std::printf("%d %d %d %d %g %g\n", compiled, launched, waited, again, static_cast<double>(values[0]),
              static_cast<double>(values[63]));
  return 0;
}
