// Where CUDA's libraries lie.
#include "device/cuda/libraries.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include "device/library.h"

namespace cg::cuda {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> parts_of(const char* variable) {
  std::vector<std::string> parts;
  const char* value = std::getenv(variable);
  std::string rest = value == nullptr ? "" : value;
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    if (colon != 0) parts.push_back(rest.substr(0, colon));
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return parts;
}

// Folders of NVIDIA's wheels in a Python environment: one for all of CUDA 13, one for each library of CUDA 12.
void add_wheels(std::vector<std::string>& folders, const fs::path& environment) {
  std::error_code error;
  for (const auto& version : fs::directory_iterator(environment / "lib", error)) {
    if (!version.path().filename().string().starts_with("python3")) continue;
    for (const char* packages : {"site-packages", "dist-packages"})
      for (const char* wheel : {"cu13", "cuda_nvrtc", "cublas"})
        folders.push_back(version.path() / packages / "nvidia" / wheel / "lib");
  }
}

const std::vector<std::string>& folders() {
  static const std::vector<std::string> found = [] {
    std::vector<std::string> all;
    for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"})
      for (const std::string& environment : parts_of(variable)) {
        add_wheels(all, environment);
        all.push_back(environment + "/lib");
      }
    // The environment of the first python3: also when nobody has activated it.
    for (const std::string& folder : parts_of("PATH")) {
      std::error_code error;
      if (!fs::exists(fs::path(folder) / "python3", error)) continue;
      add_wheels(all, fs::path(folder).parent_path());
      add_wheels(all, fs::path(folder).parent_path() / "local");
      break;
    }
    return all;
  }();
  return found;
}

Library first_in(const std::vector<std::string>& places, std::span<const char* const> names) {
  for (const std::string& folder : places)
    for (const char* name : names) {
      const std::string path = folder + "/" + name;
      std::error_code error;
      if (!fs::exists(path, error)) continue;
      if (void* handle = open_library(path.c_str())) return {handle, path};
    }
  return {};
}

Library by_loader(std::span<const char* const> names) {
  for (const char* name : names)
    if (void* handle = open_library(name)) return {handle, name};
  return {};
}

} // namespace

Library open_driver() {
  constexpr const char* kNames[] = {"libcuda.so.1"};
  const Library named = first_in(parts_of("CELLGRAD_CUDA_PATH"), kNames);
  return named.handle != nullptr ? named : by_loader(kNames);
}

Library open(std::span<const char* const> names) {
  if (const Library named = first_in(parts_of("CELLGRAD_CUDA_PATH"), names); named.handle != nullptr) return named;
  if (const Library wheel = first_in(folders(), names); wheel.handle != nullptr) return wheel;
  if (const Library loaded = by_loader(names); loaded.handle != nullptr) return loaded;
  std::vector<std::string> toolkits = {"/usr/local/cuda/lib64"};
  for (const char* variable : {"CUDA_PATH", "CUDA_HOME"})
    for (const std::string& folder : parts_of(variable)) toolkits.insert(toolkits.begin(), folder + "/lib64");
  return first_in(toolkits, names);
}

} // namespace cg::cuda
