// Shared objects that the emulator compiles CUDA texts to, kept by the text's hash beside the emulator's libraries.
#pragma once
#include <string>
#include <vector>

namespace emulator {

std::string symbol_of(const std::string& text); // "kernel_<hash>"
std::string object_of(const std::string& text); // where its shared object lies, once it is compiled

// Compiles the texts, all in one object, unless they are there. False: `log` has the compiler's words.
bool compile(const std::vector<std::string>& texts, std::string& log);

} // namespace emulator
