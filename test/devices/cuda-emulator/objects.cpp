// Compiles CUDA texts with the C++ compiler.
#include "objects.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace emulator {
namespace {

namespace fs = std::filesystem;

// FNV-1a
uint64_t hash(const std::string& text) {
  uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

// The folder of this library.
fs::path folder() {
  Dl_info info;
  dladdr(reinterpret_cast<void*>(&hash), &info);
  return fs::absolute(info.dli_fname).parent_path();
}

// The names that `#define` lines of the text give.
std::set<std::string> macros_of(const std::string& text) {
  std::set<std::string> names;
  for (size_t at = text.find("#define "); at != std::string::npos; at = text.find("#define ", at + 1)) {
    const size_t from = at + 8;
    names.insert(text.substr(from, text.find_first_of("( \n", from) - from));
  }
  return names;
}

bool has_barrier(const std::string& text) {
  const size_t first = text.find("BARRIER"); // its definition
  return first != std::string::npos && text.find("BARRIER", first + 1) != std::string::npos;
}

// A text in a namespace of its own that leaves no macros behind.
std::string enclosed(const std::string& text) {
  std::string body = text;
  const std::string linkage = "extern \"C\" ";
  for (size_t at = body.find(linkage); at != std::string::npos; at = body.find(linkage)) body.erase(at, linkage.size());
  const std::string name = symbol_of(text);
  std::string undefined;
  for (const std::string& macro : macros_of(text)) undefined += "#undef " + macro + "\n";
  return "namespace in_" + name + " {\n#line 1 \"cellgrad.cu\"\n" + body + "\n}\n" + undefined + "EMULATED_KERNEL(" +
         name + ", in_" + name + "::run, " + (has_barrier(text) ? "true" : "false") + ")\n";
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

std::string symbol_of(const std::string& text) {
  char name[32];
  std::snprintf(name, sizeof name, "kernel_%016llx", static_cast<unsigned long long>(hash(text)));
  return name;
}

std::string object_of(const std::string& text) { return folder() / "objects" / (symbol_of(text) + ".so"); }

// A name for each text leads to the object that has it; a reader sees all of an object or nothing.
bool compile(const std::vector<std::string>& texts, std::string& log) {
  const fs::path objects = folder() / "objects";
  fs::create_directories(objects);
  std::string source = "#include \"" EMULATOR_KERNEL_H "\"\n";
  std::vector<std::string> compiled;
  for (const std::string& text : texts)
    if (!fs::exists(object_of(text))) {
      source += enclosed(text);
      compiled.push_back(text);
    }
  if (compiled.empty()) return true;

  const std::string own = symbol_of(source) + "-" + std::to_string(getpid());
  const fs::path file = objects / (own + ".cpp"), object = objects / (own + ".o.so"), words = objects / (own + ".log");
  std::ofstream(file) << source;
  // As the driver compiles: products and sums stay apart. Integers wrap, as on the card.
  const char* chosen = std::getenv("CXX");
  const std::string compiler = chosen != nullptr && *chosen != '\0' ? chosen : "c++";
  const std::string command = compiler +
                              " -std=c++14 -O1 -w -fPIC -shared -fvisibility=hidden -ffp-contract=off -fwrapv "
                              "-fno-strict-aliasing -U_FORTIFY_SOURCE -o '" +
                              object.string() + "' '" + file.string() + "' 2> '" + words.string() + "'";
  const int status = std::system(command.c_str());
  log = read(words);
  fs::remove(words);
  fs::remove(file);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return false;
  for (const std::string& text : compiled) {
    const fs::path link = objects / (symbol_of(text) + "-" + std::to_string(getpid()));
    std::error_code error;
    fs::remove(link, error);
    fs::create_symlink(object.filename(), link);
    fs::rename(link, object_of(text));
  }
  return true;
}

} // namespace emulator
