/* A "plug-in" that brings no device: when it is opened, a kernel of its own faults in the context that the process shares. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const char kText[] = ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry run()\n{\n  trap;\n}\n";

static void* driver(void) {
  const char* folder = getenv("CELLGRAD_CUDA_PATH"); /* where the process has it from, when it is one folder */
  char path[4096];
  snprintf(path, sizeof path, "%s/libcuda.so.1", folder == NULL ? "" : folder);
  void* named = dlopen(path, RTLD_NOW);
  return named != NULL ? named : dlopen("libcuda.so.1", RTLD_NOW);
}

const void* cg_open_driver(uint32_t version) {
  void *library = driver(), *context = NULL, *module = NULL, *function = NULL;
  (void)version;
#define CALL(name, ...) ((int (*)(__VA_ARGS__))dlsym(library, name))
  CALL("cuDevicePrimaryCtxRetain", void**, int)(&context, 0);
  CALL("cuCtxSetCurrent", void*)(context);
  int error = CALL("cuModuleLoadData", void**, const void*)(&module, kText);
  if (error == 0) error = CALL("cuModuleGetFunction", void**, void*, const char*)(&function, module, "run");
  if (error == 0)
    error = CALL("cuLaunchKernel", void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*,
                 void**, void**)(function, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL);
  const int after = CALL("cuCtxSynchronize", void)();
  fprintf(stderr, "fault: launch %d, then %d\n", error, after);
  return NULL;
}
