// Compiled programs by their text. A file holds the text itself, so that a collision of names is only a miss.
#include "kernels/programs/program_cache.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include <unistd.h>

#include "kernels/programs/dialect.h"

namespace cg::programs {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMagic = 0x31'67'6f'72'70'67'63'00; // "\0cgprog1"
constexpr uint64_t kMostBytes = uint64_t{256} << 20;   // of all files; the oldest go first

std::string last_log; // guarded by log_lock
std::mutex log_lock;

// FNV-1a
uint64_t hash(const std::string& text, uint64_t seed = 0xcbf29ce484222325) {
  for (const char c : text) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return seed;
}

std::string hex(uint64_t value) {
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

// CELLGRAD_CACHE_DIR, or cellgrad in the user's cache folder; empty when there is no such place.
std::string cache_folder() {
  if (const char* own = std::getenv("CELLGRAD_CACHE_DIR")) return std::string(own) + "/programs";
  if (const char* base = std::getenv("XDG_CACHE_HOME")) return std::string(base) + "/cellgrad/programs";
  if (const char* home = std::getenv("HOME")) return std::string(home) + "/.cache/cellgrad/programs";
  return "";
}

void drop_oldest(const std::string& folder) {
  std::error_code error;
  std::vector<fs::directory_entry> files;
  uint64_t total = 0;
  for (const auto& file : fs::directory_iterator(folder, error)) {
    files.push_back(file);
    total += file.file_size(error);
  }
  if (total <= kMostBytes) return;
  std::sort(files.begin(), files.end(),
            [&](const auto& a, const auto& b) { return a.last_write_time(error) < b.last_write_time(error); });
  for (const auto& file : files) {
    if (total <= kMostBytes / 4 * 3) return;
    total -= file.file_size(error);
    fs::remove(file.path(), error);
  }
}

} // namespace

ProgramCache::ProgramCache(const cg_driver& driver) : driver_(driver) {
  if (driver.binary == nullptr || driver.load == nullptr) return;
  const std::string base = cache_folder();
  if (base.empty()) return;
  // Binaries belong to one device and driver version: both are in its description.
  folder_ = base + "/" + hex(hash(driver.capabilities.description));
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) folder_.clear();
}

cg_program* ProgramCache::known_as(const std::string& key) {
  std::lock_guard guard(lock_);
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : found->second;
}

void ProgramCache::name(const std::string& key, cg_program* program) {
  std::lock_guard guard(lock_);
  keys_[key] = program;
}

cg_program* ProgramCache::find(const std::string& text) {
  std::lock_guard guard(lock_);
  if (const auto found = programs_.find(text); found != programs_.end()) return found->second;
  cg_program* program = build(prelude(driver_.capabilities.dialect) + text);
  if (program != nullptr) programs_[text] = program;
  return program;
}

// From the disk, or by the driver's compiler.
cg_program* ProgramCache::build(const std::string& text) {
  const std::string path = folder_ + "/" + hex(hash(text)) + hex(hash(text, 0x9e3779b97f4a7c15));
  cg_program* program = folder_.empty() ? nullptr : load(path, text);
  if (program == nullptr) {
    std::string log(8192, '\0');
    if (driver_.compile(driver_.self, text.c_str(), "run", &program, log.data(), log.size()) != 0) {
      std::lock_guard log_guard(log_lock);
      last_log = log.c_str();
      return nullptr;
    }
    ++compiled_;
    if (!folder_.empty()) store(path, text, program);
  }
  return program;
}

// magic, hash of the rest, length of the text, the text, the binary
cg_program* ProgramCache::load(const std::string& path, const std::string& text) {
  std::ifstream file(path, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  constexpr size_t kHead = 3 * sizeof(uint64_t);
  if (content.size() < kHead + text.size()) return nullptr;
  uint64_t head[3];
  std::copy_n(content.data(), kHead, reinterpret_cast<char*>(head));
  const std::string rest = content.substr(2 * sizeof(uint64_t));
  if (head[0] != kMagic || head[1] != hash(rest) || head[2] != text.size()) return nullptr;
  if (content.compare(kHead, text.size(), text) != 0) return nullptr;
  cg_program* program = nullptr;
  const char* binary = content.data() + kHead + text.size();
  const uint64_t bytes = content.size() - kHead - text.size();
  return driver_.load(driver_.self, binary, bytes, "run", &program) == 0 ? program : nullptr;
}

// Written beside and renamed, so that no reader sees half a file.
void ProgramCache::store(const std::string& path, const std::string& text, cg_program* program) {
  uint64_t bytes = 0;
  if (driver_.binary(driver_.self, program, nullptr, &bytes) != 0 || bytes == 0) return;
  std::string binary(bytes, '\0');
  if (driver_.binary(driver_.self, program, binary.data(), &bytes) != 0) return;
  const uint64_t length = text.size();
  const std::string rest = std::string(reinterpret_cast<const char*>(&length), sizeof length) + text + binary;
  const uint64_t head[] = {kMagic, hash(rest)};
  const std::string beside = path + "." + std::to_string(getpid());
  std::error_code error;
  {
    std::ofstream file(beside, std::ios::binary);
    file.write(reinterpret_cast<const char*>(head), sizeof head);
    file.write(rest.data(), static_cast<std::streamsize>(rest.size()));
    if (!file) return void(fs::remove(beside, error));
  }
  fs::rename(beside, path, error);
  drop_oldest(folder_);
}

std::string compile_log() {
  std::lock_guard guard(log_lock);
  return last_log;
}

} // namespace cg::programs
