#include "http/process.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

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

}  // namespace

ProcessFacts process_facts() {
  static const double kBootTime = boot_time();
  static const auto kTicks = static_cast<double>(sysconf(_SC_CLK_TCK));
  static const auto kPage = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  // Opened once: when no descriptors are left, this is what people want to know.
  static const int stat = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  static DIR* const files = ::opendir("/proc/self/fd");
  ProcessFacts facts;
  char bytes[4096];
  const auto size = ::pread(stat, bytes, sizeof bytes, 0);
  const std::string text(bytes, size > 0 ? static_cast<std::size_t>(size) : 0);
  // Behind the program's name, which may hold anything; the third field comes first.
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
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
  if (files != nullptr) {
    ::rewinddir(files);
    while (const dirent* entry = ::readdir(files)) facts.open_files += entry->d_name[0] != '.' ? 1 : 0;
  }
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.most_files = limit.rlim_cur;
  return facts;
}

}  // namespace forebay::http
