// The parts of the CUDA driver, NVRTC and cuBLASLt that we call, in declarations of our own: no header or library is needed to build.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cg::cuda {

struct ContextHandle;
struct StreamHandle;
struct EventHandle;
struct ModuleHandle;
struct FunctionHandle;
struct ProgramHandle;
struct BlasHandle;
struct ProductHandle;
struct MatrixHandle;
struct PreferenceHandle;
using Address = uint64_t;

constexpr int kSuccess = 0, kErrorOutOfMemory = 2, kErrorNoDevice = 100, kErrorNotReady = 600;
constexpr int kMaxThreadsOfBlock = 1, kComputeMajor = 75, kComputeMinor = 76; // attributes of a device
constexpr uint32_t kStreamNonBlocking = 1;

// CALL(name, symbol, parameters): `symbol` names the version of the function, as cuda.h does by macros.
#define CG_CUDA_CALLS(CALL)                                                                                            \
  CALL(Init, cuInit, (uint32_t flags))                                                                                 \
  CALL(DriverGetVersion, cuDriverGetVersion, (int* version))                                                           \
  CALL(GetErrorName, cuGetErrorName, (int error, const char** name))                                                   \
  CALL(DeviceGetCount, cuDeviceGetCount, (int* count))                                                                 \
  CALL(DeviceGet, cuDeviceGet, (int* device, int ordinal))                                                             \
  CALL(DeviceGetName, cuDeviceGetName, (char* name, int length, int device))                                           \
  CALL(DeviceGetAttribute, cuDeviceGetAttribute, (int* value, int attribute, int device))                              \
  CALL(DeviceTotalMem, cuDeviceTotalMem_v2, (size_t* bytes, int device))                                               \
  CALL(DevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, (ContextHandle * *context, int device))                       \
  CALL(CtxSetCurrent, cuCtxSetCurrent, (ContextHandle * context))                                                      \
  CALL(MemAlloc, cuMemAlloc_v2, (Address * address, size_t bytes))                                                     \
  CALL(MemFree, cuMemFree_v2, (Address address))                                                                       \
  CALL(MemGetInfo, cuMemGetInfo_v2, (size_t* free, size_t* total))                                                     \
  CALL(MemHostAlloc, cuMemHostAlloc, (void** memory, size_t bytes, uint32_t flags))                                    \
  CALL(MemFreeHost, cuMemFreeHost, (void* memory))                                                                     \
  CALL(MemcpyHtoDAsync, cuMemcpyHtoDAsync_v2, (Address to, const void* from, size_t bytes, StreamHandle* stream))      \
  CALL(MemcpyDtoHAsync, cuMemcpyDtoHAsync_v2, (void* to, Address from, size_t bytes, StreamHandle* stream))            \
  CALL(MemcpyDtoDAsync, cuMemcpyDtoDAsync_v2, (Address to, Address from, size_t bytes, StreamHandle* stream))          \
  CALL(StreamCreate, cuStreamCreate, (StreamHandle * *stream, uint32_t flags))                                         \
  CALL(StreamWaitEvent, cuStreamWaitEvent, (StreamHandle * stream, EventHandle * event, uint32_t flags))               \
  CALL(EventCreate, cuEventCreate, (EventHandle * *event, uint32_t flags))                                             \
  CALL(EventRecord, cuEventRecord, (EventHandle * event, StreamHandle * stream))                                       \
  CALL(EventQuery, cuEventQuery, (EventHandle * event))                                                                \
  CALL(EventElapsedTime, cuEventElapsedTime, (float* milliseconds, EventHandle* from, EventHandle* to))                \
  CALL(EventDestroy, cuEventDestroy_v2, (EventHandle * event))                                                         \
  CALL(ModuleLoadData, cuModuleLoadData, (ModuleHandle * *module, const void* image))                                  \
  CALL(ModuleGetFunction, cuModuleGetFunction, (FunctionHandle * *function, ModuleHandle * module, const char* name))  \
  CALL(LaunchKernel, cuLaunchKernel,                                                                                   \
       (FunctionHandle * function, uint32_t grid_x, uint32_t grid_y, uint32_t grid_z, uint32_t block_x,                \
        uint32_t block_y, uint32_t block_z, uint32_t shared_bytes, StreamHandle* stream, void** parameters,            \
        void** extra))

#define CG_NVRTC_CALLS(CALL)                                                                                           \
  CALL(Version, nvrtcVersion, (int* major, int* minor))                                                                \
  CALL(GetNumSupportedArchs, nvrtcGetNumSupportedArchs, (int* count))                                                  \
  CALL(GetSupportedArchs, nvrtcGetSupportedArchs, (int* archs))                                                        \
  CALL(CreateProgram, nvrtcCreateProgram,                                                                              \
       (ProgramHandle * *program, const char* text, const char* name, int headers, const char* const* header_texts,    \
        const char* const* header_names))                                                                              \
  CALL(CompileProgram, nvrtcCompileProgram, (ProgramHandle * program, int count, const char* const* options))          \
  CALL(GetProgramLogSize, nvrtcGetProgramLogSize, (ProgramHandle * program, size_t* bytes))                            \
  CALL(GetProgramLog, nvrtcGetProgramLog, (ProgramHandle * program, char* log))                                        \
  CALL(GetCubinSize, nvrtcGetCUBINSize, (ProgramHandle * program, size_t* bytes))                                      \
  CALL(GetCubin, nvrtcGetCUBIN, (ProgramHandle * program, char* cubin))                                                \
  CALL(GetPtxSize, nvrtcGetPTXSize, (ProgramHandle * program, size_t* bytes))                                          \
  CALL(GetPtx, nvrtcGetPTX, (ProgramHandle * program, char* ptx))                                                      \
  CALL(DestroyProgram, nvrtcDestroyProgram, (ProgramHandle * *program))

// cuBLASLt: codes of cublasLt.h and library_types.h.
constexpr int kReal32 = 0, kReal64 = 1, kReal16 = 2, kRealB16 = 14;              // cudaDataType
constexpr int kCompute32 = 68, kCompute64 = 70, kComputeTf32 = 77;               // cublasComputeType
constexpr int kTransposeA = 3, kTransposeB = 4, kEpilogue = 7, kBiasPointer = 8; // attributes of a product
constexpr int kBatchCount = 5, kBatchOffset = 6;                                 // of a matrix
constexpr int kMostWorkspace = 1, kAlignmentA = 5, kAlignmentB = 6, kAlignmentC = 7, kAlignmentD = 8; // of a preference
constexpr int kMajor = 0, kMinor = 1; // libraryPropertyType
constexpr int32_t kPlain = 0, kTransposed = 1;
constexpr uint32_t kEpilogueBias = 4;

struct BlasAlgorithm { uint64_t data[8]; };
struct BlasHeuristic {
  BlasAlgorithm algorithm;
  size_t workspace;
  int state;
  float waves;
  int reserved[4];
};

#define CG_CUBLAS_CALLS(CALL)                                                                                          \
  CALL(GetProperty, cublasLtGetProperty, (int property, int* value))                                                   \
  CALL(Create, cublasLtCreate, (BlasHandle * *handle))                                                                 \
  CALL(ProductCreate, cublasLtMatmulDescCreate, (ProductHandle * *product, int compute, int scale))                    \
  CALL(ProductSet, cublasLtMatmulDescSetAttribute,                                                                     \
       (ProductHandle * product, int attribute, const void* value, size_t bytes))                                      \
  CALL(ProductDestroy, cublasLtMatmulDescDestroy, (ProductHandle * product))                                           \
  CALL(MatrixCreate, cublasLtMatrixLayoutCreate,                                                                       \
       (MatrixHandle * *matrix, int type, uint64_t rows, uint64_t columns, int64_t leading))                           \
  CALL(MatrixSet, cublasLtMatrixLayoutSetAttribute,                                                                    \
       (MatrixHandle * matrix, int attribute, const void* value, size_t bytes))                                        \
  CALL(MatrixDestroy, cublasLtMatrixLayoutDestroy, (MatrixHandle * matrix))                                            \
  CALL(PreferenceCreate, cublasLtMatmulPreferenceCreate, (PreferenceHandle * *preference))                             \
  CALL(PreferenceSet, cublasLtMatmulPreferenceSetAttribute,                                                            \
       (PreferenceHandle * preference, int attribute, const void* value, size_t bytes))                                \
  CALL(PreferenceDestroy, cublasLtMatmulPreferenceDestroy, (PreferenceHandle * preference))                            \
  CALL(GetHeuristic, cublasLtMatmulAlgoGetHeuristic,                                                                   \
       (BlasHandle * handle, ProductHandle * product, MatrixHandle * a, MatrixHandle * b, MatrixHandle * c,            \
        MatrixHandle * d, PreferenceHandle * preference, int wanted, BlasHeuristic* results, int* found))              \
  CALL(Matmul, cublasLtMatmul,                                                                                         \
       (BlasHandle * handle, ProductHandle * product, const void* alpha, Address a, MatrixHandle* as_a, Address b,     \
        MatrixHandle* as_b, const void* beta, Address c, MatrixHandle* as_c, Address d, MatrixHandle* as_d,            \
        const BlasAlgorithm* algorithm, Address workspace, size_t workspace_bytes, StreamHandle* stream))

#define CG_MEMBER(name, symbol, parameters) int(*name) parameters = nullptr;
struct Api { CG_CUDA_CALLS(CG_MEMBER) };
struct NvrtcApi { CG_NVRTC_CALLS(CG_MEMBER) };
struct BlasApi { CG_CUBLAS_CALLS(CG_MEMBER) };
#undef CG_MEMBER

} // namespace cg::cuda
