// Compiled programs by their text: in memory, and on disk for the next process.
#pragma once
#include <mutex>
#include <string>
#include <unordered_map>

#include "device/driver.h"

namespace cg::programs {

class ProgramCache {
public:
  explicit ProgramCache(const cg_driver& driver);

  // The program of `text` behind the dialect's prelude, whose kernel is called `run`; nullptr when the driver cannot compile it,
  // log() says why.
  cg_program* find(const std::string& text);
  // The same for a text that costs more to write than to look up: `key` stands for it, and only the first time it is written.
  template <class Write> cg_program* find(const std::string& key, const Write& write) {
    if (cg_program* known = known_as(key)) return known;
    cg_program* program = find(write());
    if (program != nullptr) name(key, program);
    return program;
  }
  uint64_t compiled() const { return compiled_; }

private:
  cg_program* known_as(const std::string& key);
  void name(const std::string& key, cg_program* program);
  cg_program* build(const std::string& text);
  cg_program* load(const std::string& path, const std::string& text);
  void store(const std::string& path, const std::string& text, cg_program* program);

  const cg_driver& driver_;
  std::string folder_;
  std::mutex lock_;
  std::unordered_map<std::string, cg_program*> programs_, keys_; // by text, by what stands for one
  uint64_t compiled_ = 0;
};

// What the compiler said about the text that failed last; empty when none did.
std::string compile_log();

} // namespace cg::programs
