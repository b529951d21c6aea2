/* libOpenCL.so.1 for a test: the machine's own, of whose kernels the
   FAULT_LAUNCH-th faults, as NVIDIA's driver reports it. REAL_OPENCL is the
   path of the machine's. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

static void *real(const char *name) {
  static void *library = NULL;
  if (library == NULL)
    library = dlopen(getenv("REAL_OPENCL"), RTLD_NOW | RTLD_LOCAL);
  return dlsym(library, name);
}

/* Forwarded without naming its parameters: the address of the function is that
 * of the machine's. */
#define FORWARD(name)                                                          \
  static void *find_##name(void) { return real(#name); }                       \
  void name(void) __attribute__((ifunc("find_" #name)));

FORWARD(clGetPlatformIDs)
FORWARD(clGetDeviceIDs)
FORWARD(clGetDeviceInfo)
FORWARD(clCreateContext)
FORWARD(clCreateCommandQueue)
FORWARD(clCreateBuffer)
FORWARD(clReleaseMemObject)
FORWARD(clEnqueueWriteBuffer)
FORWARD(clEnqueueReadBuffer)
FORWARD(clEnqueueCopyBuffer)
FORWARD(clCreateProgramWithSource)
FORWARD(clCreateProgramWithBinary)
FORWARD(clBuildProgram)
FORWARD(clGetProgramBuildInfo)
FORWARD(clGetProgramInfo)
FORWARD(clReleaseProgram)
FORWARD(clCreateKernel)
FORWARD(clSetKernelArg)
FORWARD(clEnqueueMapBuffer)
FORWARD(clEnqueueUnmapMemObject)
FORWARD(clEnqueueMarkerWithWaitList)
FORWARD(clEnqueueBarrierWithWaitList)
FORWARD(clGetEventProfilingInfo)
FORWARD(clReleaseEvent)
FORWARD(clFlush)

enum { kEventStatus = 0x11D3, kFault = -9999 };
static int launches = 0, lost = 0;

int32_t clEnqueueNDRangeKernel(void *queue, void *kernel, uint32_t dims,
                               const size_t *offset, const size_t *global,
                               const size_t *local, uint32_t count,
                               void *const *events, void **event) {
  int32_t (*launch)(void *, void *, uint32_t, const size_t *, const size_t *,
                    const size_t *, uint32_t, void *const *, void **);
  *(void **)&launch = real("clEnqueueNDRangeKernel");
  if (++launches == atoi(getenv("FAULT_LAUNCH")))
    lost = 1;
  return lost ? 0
              : launch(queue, kernel, dims, offset, global, local, count,
                       events, event);
}

int32_t clGetEventInfo(void *event, uint32_t what, size_t bytes, void *value,
                       size_t *size) {
  int32_t (*info)(void *, uint32_t, size_t, void *, size_t *);
  *(void **)&info = real("clGetEventInfo");
  const int32_t status = info(event, what, bytes, value, size);
  if (lost && what == kEventStatus)
    *(int32_t *)value = kFault;
  return status;
}
