#include "http/machine.hpp"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "http/kernel_file.hpp"

namespace forebay::http {

namespace {

/// Our line in /proc/self/cgroup of the unified hierarchy.
constexpr std::string_view kUnified = "0::";

std::string unified_path(const std::string& group, const char* name) {
  return "/sys/fs/cgroup" + group + "/" + name;
}

/// A control group's files about memory.
struct Group {
  explicit Group(const std::string& its_path)
      : path(its_path),
        limit(unified_path(path, "memory.max")),
        used(unified_path(path, "memory.current")),
        uses(unified_path(path, "memory.stat")) {}

  const std::string path;
  KernelFile limit;
  KernelFile used;
  KernelFile uses;
};

/// Ours, in which we may be put at any time; nothing without a unified hierarchy.
Group* own_group() {
  static KernelFile groups("/proc/self/cgroup");
  static std::optional<Group> own;
  const std::string_view lines = groups.read();
  const std::size_t at = lines.starts_with(kUnified) ? 0 : lines.find("\n0::") + 1;
  if (!lines.substr(at).starts_with(kUnified)) return nullptr;
  std::string_view path = lines.substr(at + kUnified.size());
  path = path.substr(0, path.find('\n'));
  if (path == "/") path = {};
  if (!own || own->path != path) own.emplace(std::string(path));
  return &*own;
}

void read_memory(MachineFacts& facts) {
  static KernelFile file("/proc/meminfo");
  const std::string_view lines = file.read();
  facts.memory_bytes = number_after(lines, "MemTotal:") * 1024;
  facts.available_bytes = number_after(lines, "MemAvailable:") * 1024;
}

void read_group_limit(MachineFacts& facts) {
  Group* const group = own_group();
  if (group == nullptr) return;
  const std::uint64_t limit = number_after(group->limit.read(), "");  // "max": there is none
  if (limit == 0 || limit >= facts.memory_bytes) return;
  const std::uint64_t used = number_after(group->used.read(), "");
  // What files of the group take of its memory is given back when it is needed.
  const std::uint64_t needed = used - std::min(used, number_after(group->uses.read(), "inactive_file"));
  facts.memory_bytes = limit;
  facts.available_bytes = std::min(facts.available_bytes, limit - std::min(limit, needed));
}

void read_processors(MachineFacts& facts) {
  static const auto kTicks = static_cast<double>(sysconf(_SC_CLK_TCK));
  static KernelFile file("/proc/stat");
  std::istringstream line(std::string(file.read().substr(0, 512)));
  std::string name;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  if (!(line >> name >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal)) return;
  facts.busy_seconds = (user + nice + system + irq + softirq + steal) / kTicks;
  facts.idle_seconds = (idle + iowait) / kTicks;
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
