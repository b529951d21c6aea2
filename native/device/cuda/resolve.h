// Fills the tables of api.h from an opened library.
#pragma once
#include <string>

#include "device/cuda/api.h"
#include "device/library.h"

namespace cg::cuda {

// The first function that the library lacks; empty when it has all.
#define CG_RESOLVE(name, symbol, parameters)                                                                           \
  api.name = reinterpret_cast<decltype(api.name)>(find_symbol(library, #symbol));                                      \
  if (api.name == nullptr && missing.empty()) missing = #symbol;
#define CG_RESOLVER(Table, CALLS)                                                                                      \
  inline std::string resolve(void* library, Table& api) {                                                              \
    std::string missing;                                                                                               \
    CALLS(CG_RESOLVE)                                                                                                  \
    return missing;                                                                                                    \
  }
CG_RESOLVER(Api, CG_CUDA_CALLS)
CG_RESOLVER(NvrtcApi, CG_NVRTC_CALLS)
CG_RESOLVER(BlasApi, CG_CUBLAS_CALLS)
#undef CG_RESOLVER
#undef CG_RESOLVE

} // namespace cg::cuda
