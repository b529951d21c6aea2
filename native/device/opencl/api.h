// The part of OpenCL 1.2 that we call, in declarations of our own: no header or library is needed to build.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cg::opencl {

struct Platform;
struct DeviceId;
struct Context;
struct Queue;
struct Memory;
struct Program;
struct Kernel;
struct Event;

constexpr int32_t kSuccess = 0, kDeviceNotAvailable = -2, kMemAllocationFailure = -4, kOutOfResources = -5,
                  kOutOfHostMemory = -6, kInvalidBufferSize = -61;
constexpr uint64_t kDeviceTypeAll = 0xFFFFFFFF, kQueueProfiling = 1 << 1, kMemReadWrite = 1 << 0,
                   kMemHostPinned = 1 << 4, kMapReadWrite = 1 << 0 | 1 << 1;
constexpr uint32_t kDeviceMaxGroup = 0x1004, kDeviceMaxAllocation = 0x1010, kDeviceMemory = 0x101F,
                   kDeviceDoubleConfig = 0x1032, kDeviceName = 0x102B, kDeviceVersion = 0x102F, kDriverVersion = 0x102D;
constexpr uint32_t kProgramBinarySizes = 0x1165, kProgramBinaries = 0x1166, kBuildLog = 0x1183;
constexpr uint32_t kEventStatus = 0x11D3, kProfilingEnd = 0x1283;
constexpr int32_t kComplete = 0;

// CALL(result, name, parameters): the OpenCL function cl<name>.
#define CG_OPENCL_CALLS(CALL)                                                                                          \
  CALL(int32_t, GetPlatformIDs, (uint32_t, Platform**, uint32_t*))                                                     \
  CALL(int32_t, GetDeviceIDs, (Platform*, uint64_t, uint32_t, DeviceId**, uint32_t*))                                  \
  CALL(int32_t, GetDeviceInfo, (DeviceId*, uint32_t, size_t, void*, size_t*))                                          \
  CALL(Context*, CreateContext, (const intptr_t*, uint32_t, DeviceId* const*, const void*, void*, int32_t*))           \
  CALL(Queue*, CreateCommandQueue, (Context*, DeviceId*, uint64_t, int32_t*))                                          \
  CALL(Memory*, CreateBuffer, (Context*, uint64_t, size_t, void*, int32_t*))                                           \
  CALL(int32_t, ReleaseMemObject, (Memory*))                                                                           \
  CALL(int32_t, EnqueueWriteBuffer,                                                                                    \
       (Queue*, Memory*, uint32_t, size_t, size_t, const void*, uint32_t, Event* const*, Event**))                     \
  CALL(int32_t, EnqueueReadBuffer,                                                                                     \
       (Queue*, Memory*, uint32_t, size_t, size_t, void*, uint32_t, Event* const*, Event**))                           \
  CALL(int32_t, EnqueueCopyBuffer,                                                                                     \
       (Queue*, Memory*, Memory*, size_t, size_t, size_t, uint32_t, Event* const*, Event**))                           \
  CALL(Program*, CreateProgramWithSource, (Context*, uint32_t, const char**, const size_t*, int32_t*))                 \
  CALL(Program*, CreateProgramWithBinary,                                                                              \
       (Context*, uint32_t, DeviceId* const*, const size_t*, const unsigned char**, int32_t*, int32_t*))               \
  CALL(int32_t, BuildProgram, (Program*, uint32_t, DeviceId* const*, const char*, const void*, void*))                 \
  CALL(int32_t, GetProgramBuildInfo, (Program*, DeviceId*, uint32_t, size_t, void*, size_t*))                          \
  CALL(int32_t, GetProgramInfo, (Program*, uint32_t, size_t, void*, size_t*))                                          \
  CALL(int32_t, ReleaseProgram, (Program*))                                                                            \
  CALL(Kernel*, CreateKernel, (Program*, const char*, int32_t*))                                                       \
  CALL(int32_t, SetKernelArg, (Kernel*, uint32_t, size_t, const void*))                                                \
  CALL(int32_t, EnqueueNDRangeKernel,                                                                                  \
       (Queue*, Kernel*, uint32_t, const size_t*, const size_t*, const size_t*, uint32_t, Event* const*, Event**))     \
  CALL(void*, EnqueueMapBuffer,                                                                                        \
       (Queue*, Memory*, uint32_t, uint64_t, size_t, size_t, uint32_t, Event* const*, Event**, int32_t*))              \
  CALL(int32_t, EnqueueUnmapMemObject, (Queue*, Memory*, void*, uint32_t, Event* const*, Event**))                     \
  CALL(int32_t, EnqueueMarkerWithWaitList, (Queue*, uint32_t, Event* const*, Event**))                                 \
  CALL(int32_t, EnqueueBarrierWithWaitList, (Queue*, uint32_t, Event* const*, Event**))                                \
  CALL(int32_t, GetEventInfo, (Event*, uint32_t, size_t, void*, size_t*))                                              \
  CALL(int32_t, GetEventProfilingInfo, (Event*, uint32_t, size_t, void*, size_t*))                                     \
  CALL(int32_t, ReleaseEvent, (Event*))                                                                                \
  CALL(int32_t, Flush, (Queue*))

struct Api {
#define CG_MEMBER(result, name, parameters) result(*name) parameters = nullptr;
  CG_OPENCL_CALLS(CG_MEMBER)
#undef CG_MEMBER
};

} // namespace cg::opencl
