#include "http/machine.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace forebay::http {

namespace {

/// Our line in /proc/self/cgroup of the unified hierarchy.
constexpr std::string_view kUnified = "0::";

void read_memory(MachineFacts& facts) {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::uint64_t kilobytes = 0;
  std::string rest;
  while (file >> name >> kilobytes && std::getline(file, rest)) {
    if (name == "MemTotal:") facts.memory_bytes = kilobytes * 1024;
    if (name == "MemAvailable:") facts.available_bytes = kilobytes * 1024;
  }
}

/// One number of a file of our control group; 0 when there is none, or no limit.
std::uint64_t read_group(const std::string& group, const char* name) {
  std::ifstream file("/sys/fs/cgroup" + group + "/" + name);
  std::uint64_t value = 0;
  return file >> value ? value : 0;
}

/// What files of the group take of its memory is given back when it is needed.
std::uint64_t inactive_files(const std::string& group) {
  std::ifstream file("/sys/fs/cgroup" + group + "/memory.stat");
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value) {
    if (name == "inactive_file") return value;
  }
  return 0;
}

void read_group_limit(MachineFacts& facts) {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line) && !line.starts_with(kUnified)) line.clear();
  if (line.empty()) return;
  const std::string group = line.substr(kUnified.size()) == "/" ? "" : line.substr(kUnified.size());
  const std::uint64_t limit = read_group(group, "memory.max");
  if (limit == 0 || limit >= facts.memory_bytes) return;
  const std::uint64_t used = read_group(group, "memory.current");
  const std::uint64_t needed = used - std::min(used, inactive_files(group));
  facts.memory_bytes = limit;
  facts.available_bytes = std::min(facts.available_bytes, limit - std::min(limit, needed));
}

void read_processors(MachineFacts& facts) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream file("/proc/stat");
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (!(file >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal)) return;
  facts.busy_seconds = (user + nice + system + irq + softirq + steal) / ticks;
  facts.idle_seconds = (idle + iowait) / ticks;
}

}  // namespace

MachineFacts machine_facts() {
  MachineFacts facts;
  read_memory(facts);
  read_group_limit(facts);
  read_processors(facts);
  return facts;
}

}  // namespace forebay::http
