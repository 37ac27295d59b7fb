#include "http/process.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

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
  ProcessFacts facts;
  std::ifstream stat("/proc/self/stat");
  std::string text(std::istreambuf_iterator<char>(stat), {});
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
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  // One of them is the folder's own.
  if (!error) facts.open_files = static_cast<std::uint64_t>(std::distance(begin(files), end(files))) - 1;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.most_files = limit.rlim_cur;
  return facts;
}

}  // namespace forebay::http
