#pragma once

#include <array>
#include <string>
#include <string_view>

namespace forebay::http {

/// A file in which the kernel says how things are now, such as /proc/meminfo. It is opened once and read anew
/// each time: that costs half as much as opening it again, and works when no descriptors are left. Used by
/// one thread.
class KernelFile {
 public:
  /// One that cannot be opened is empty.
  explicit KernelFile(const std::string& path);
  KernelFile(const KernelFile&) = delete;
  KernelFile& operator=(const KernelFile&) = delete;
  ~KernelFile();

  /// What it says now, its first 8 KiB; until the next call.
  std::string_view read();

 private:
  int file_;
  std::array<char, 8192> bytes_;
};

/// The number behind `name` and blanks, at the beginning of a line of `text`; 0 when there is none.
std::uint64_t number_after(std::string_view text, std::string_view name);

}  // namespace forebay::http
