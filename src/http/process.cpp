#include "http/process.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "http/kernel_file.hpp"

namespace forebay::http {

namespace {

/// Seconds since 1970 at which the machine came up; the line btime of /proc/stat.
double boot_time() {
  std::ifstream stat("/proc/stat");
  std::string word;
  while (stat >> word) {
    double seconds = 0;
    if (word == "btime" && stat >> seconds) return seconds;
    std::getline(stat, word);
  }
  return 0;
}

/// The folder's size tells it since Linux 6.2. Before, they must be listed, which takes half a microsecond
/// for each: where there are many, once in ten seconds.
std::uint64_t open_files() {
  constexpr std::uint64_t kMany = 1000;
  static DIR* const folder = ::opendir("/proc/self/fd");
  static std::uint64_t listed = 0;
  static TimePoint listed_at{};
  struct stat about {};
  if (folder == nullptr || ::fstat(::dirfd(folder), &about) != 0) return 0;
  if (about.st_size > 0) return static_cast<std::uint64_t>(about.st_size);
  const TimePoint now = Clock::now();
  if (listed >= kMany && now - listed_at < std::chrono::seconds(10)) return listed;
  listed = 0;
  listed_at = now;
  ::rewinddir(folder);
  while (const dirent* entry = ::readdir(folder)) listed += entry->d_name[0] != '.' ? 1 : 0;
  return listed;
}

}  // namespace

ProcessFacts process_facts() {
  static const double kBootTime = boot_time();
  static const auto kTicks = static_cast<double>(sysconf(_SC_CLK_TCK));
  static const auto kPage = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  static KernelFile stat("/proc/self/stat");
  ProcessFacts facts;
  const std::string_view text = stat.read();
  // Behind the program's name, which may hold anything; the third field comes first.
  std::istringstream fields(std::string(text.substr(std::min(text.rfind(')') + 1, text.size()))));
  std::string skipped;
  const auto skip = [&](int count) {
    while (count-- > 0) fields >> skipped;
  };
  double user = 0;
  double system = 0;
  double started = 0;
  std::uint64_t pages = 0;
  skip(11);
  fields >> user >> system;
  skip(4);
  fields >> facts.threads;
  skip(1);
  fields >> started >> facts.virtual_bytes >> pages;
  facts.cpu_seconds = (user + system) / kTicks;
  facts.start_time = kBootTime + started / kTicks;
  facts.resident_bytes = pages * kPage;
  facts.open_files = open_files();
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.most_files = limit.rlim_cur;
  return facts;
}

}  // namespace forebay::http
