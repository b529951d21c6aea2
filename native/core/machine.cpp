// Linux: /proc/meminfo, and the memory controller of control groups in both versions.
#include "core/machine.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sched.h>
#include <string>
#include <unistd.h>

namespace cg {
namespace {

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

// The number after `key` in a file of lines "key number", or of the whole file for an empty key.
uint64_t number_in(const std::string& path, const std::string& key, uint64_t otherwise) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    if (!key.empty() && word != key) continue;
    uint64_t number = 0;
    if (key.empty()) file.clear(), file.seekg(0);
    return file >> number ? number : otherwise;
  }
  return otherwise;
}

// The files in which a version of control groups tells its limit, its use, and how much of that are file pages.
struct Group { std::string folder, limit, used, file_pages; };

Group find_group() {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    const bool unified = controllers.empty();
    if (!unified && ("," + controllers + ",").find(",memory,") == std::string::npos) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string limit = unified ? "/memory.max" : "/memory.limit_in_bytes";
    const std::string used = unified ? "/memory.current" : "/memory.usage_in_bytes";
    const std::string file_pages = unified ? "inactive_file" : "total_inactive_file";
    // Inside a container the group's own folder is mounted as the root.
    for (const std::string& folder : {root + path, root})
      if (access((folder + limit).c_str(), R_OK) == 0) return {folder, limit, used, file_pages};
  }
  return {};
}

const Group& group() {
  static const Group found = find_group();
  return found;
}

uint64_t group_limit() {
  return group().folder.empty() ? kUnlimited : number_in(group().folder + group().limit, "", kUnlimited);
}

} // namespace

uint64_t total_memory() {
  const uint64_t physical =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return std::min(physical, group_limit());
}

uint64_t available_memory() {
  const auto meminfo = [](const char* key, uint64_t otherwise) {
    const uint64_t kib = number_in("/proc/meminfo", key, otherwise);
    return kib == kUnlimited ? kib : kib << 10;
  };
  const uint64_t free = meminfo("MemAvailable:", kUnlimited);
  const uint64_t machine = free == kUnlimited ? free : free + meminfo("SwapFree:", 0);
  const uint64_t limit = group_limit();
  if (limit >= total_memory() && limit >= machine) return machine;
  const std::string& folder = group().folder;
  const uint64_t used = number_in(folder + group().used, "", 0);
  const uint64_t kept = used - std::min(used, number_in(folder + "/memory.stat", group().file_pages, 0));
  return std::min(machine, limit - std::min(limit, kept));
}

int current_thread() { return gettid(); }
int current_processor() { return sched_getcpu(); }

void keep_off_processor(int thread, int processor) {
  static const cpu_set_t allowed = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(getpid(), sizeof set, &set);
    return set;
  }();
  cpu_set_t others = allowed;
  if (processor >= 0 && processor < CPU_SETSIZE) CPU_CLR(processor, &others);
  if (CPU_COUNT(&others) > 0) sched_setaffinity(thread, sizeof others, &others);
}

} // namespace cg
