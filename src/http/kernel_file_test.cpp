#include "http/kernel_file.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "http/process.hpp"

namespace forebay::http {
namespace {

TEST(KernelFileTest, IsReadAnewEachTime) {
  const auto path = std::filesystem::temp_directory_path() / ("kernel_file_test." + std::to_string(getpid()));
  std::ofstream(path) << "first";
  KernelFile file(path);
  EXPECT_EQ(file.read(), "first");
  std::ofstream(path) << "later";
  EXPECT_EQ(file.read(), "later");
  std::filesystem::remove(path);
  EXPECT_EQ(KernelFile(path).read(), "");
}

TEST(KernelFileTest, ANumberStandsBehindTheNameThatBeginsALine) {
  const std::string_view lines = "MemTotal:  8000 kB\nNotMemFree: 1\nMemFree: 20 kB\ninactive_file 7\n";
  EXPECT_EQ(number_after(lines, "MemTotal:"), 8000U);
  EXPECT_EQ(number_after(lines, "MemFree:"), 20U);
  EXPECT_EQ(number_after(lines, "inactive_file"), 7U);
  EXPECT_EQ(number_after(lines, "SwapFree:"), 0U);
  EXPECT_EQ(number_after("max\n", ""), 0U) << "no limit";
  EXPECT_EQ(number_after("4096\n", ""), 4096U);
  EXPECT_EQ(number_after("", "MemFree:"), 0U);
}

TEST(ProcessFactsTest, CountsTheDescriptors) {
  process_facts();  // has opened its own
  const std::uint64_t before = process_facts().open_files;
  const std::ifstream one("/proc/self/stat");
  const std::ifstream other("/proc/self/stat");
  EXPECT_EQ(process_facts().open_files, before + 2);
  const std::filesystem::directory_iterator files("/proc/self/fd");  // is one itself
  EXPECT_EQ(std::distance(begin(files), end(files)), static_cast<std::ptrdiff_t>(before + 3));
}

}  // namespace
}  // namespace forebay::http
