// Where CUDA's libraries lie: folders that the person names, Python's wheels, conda, the loader's own search, the toolkit.
#pragma once
#include <span>
#include <string>

namespace cg::cuda {

struct Library {
  void* handle = nullptr;
  std::string path; // as it was opened
};

// The first of `names` that opens. $CELLGRAD_CUDA_PATH, folders with colons between them, comes before everything else.
Library open(std::span<const char* const> names);
// The driver belongs to the system: only $CELLGRAD_CUDA_PATH and the loader are asked.
Library open_driver();

} // namespace cg::cuda
