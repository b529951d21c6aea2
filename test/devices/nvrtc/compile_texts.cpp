// Compiles every .cu file of a folder with NVRTC, as the CUDA device does, for the architectures that it is given.
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "device/cuda/compiler.h"

// compile_texts FOLDER turns|all ARCHITECTURE...: each text for one of the architectures by turns, or for all.
// Prints NVRTC's version, the number of compilations, and what was refused.
int main(int count, char** arguments) {
  if (count < 4) return 2;
  const bool all = std::string(arguments[2]) == "all";
  const std::vector<std::string> architectures(arguments + 3, arguments + count);
  cg::cuda::Compiler compiler;
  if (const std::string missing = compiler.open(); !missing.empty()) {
    std::printf("absent: %s\n", missing.c_str());
    return 3;
  }
  std::set<std::string> unique;
  for (const auto& file : std::filesystem::directory_iterator(arguments[1])) {
    std::ifstream stream(file.path(), std::ios::binary);
    if (file.path().extension() == ".cu") unique.insert({std::istreambuf_iterator<char>(stream), {}});
  }
  const std::vector<std::string> texts(unique.begin(), unique.end());
  const size_t rounds = all ? architectures.size() : 1;
  std::atomic<size_t> next{0}, refused{0};
  std::mutex lock;
  const auto work = [&] {
    for (size_t job = next++; job < texts.size() * rounds; job = next++) {
      const std::string& text = texts[job / rounds];
      const std::string& architecture = architectures[all ? job % rounds : job % architectures.size()];
      std::string code, log;
      // A program is an ELF file for exactly that architecture.
      if (compiler.compile(text.c_str(), std::stoi(architecture), code, log) && code.starts_with("\x7f"
                                                                                                 "ELF"))
        continue;
      std::lock_guard guard(lock);
      if (++refused <= 5) std::printf("sm_%s: %s\n%s\n", architecture.c_str(), log.c_str(), text.c_str());
    }
  };
  std::thread second(work);
  work();
  second.join();
  std::printf("NVRTC %s: %zu texts, %zu compilations, %zu refused\n", compiler.version().c_str(), texts.size(),
              texts.size() * rounds, refused.load());
  return refused == 0 ? 0 : 1;
}
