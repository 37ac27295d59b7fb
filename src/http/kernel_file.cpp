#include "http/kernel_file.hpp"

#include <charconv>

#include <fcntl.h>
#include <unistd.h>

namespace forebay::http {

KernelFile::KernelFile(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

KernelFile::~KernelFile() {
  if (file_ >= 0) ::close(file_);
}

std::string_view KernelFile::read() {
  const ssize_t size = file_ < 0 ? 0 : ::pread(file_, bytes_.data(), bytes_.size(), 0);
  return {bytes_.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

std::uint64_t number_after(std::string_view text, std::string_view name) {
  std::uint64_t number = 0;
  for (std::size_t at = 0; (at = text.find(name, at)) != std::string_view::npos; at += name.size()) {
    if (at > 0 && text[at - 1] != '\n') continue;
    const std::size_t begin = text.find_first_not_of(' ', at + name.size());
    if (begin != std::string_view::npos)
      std::from_chars(text.data() + begin, text.data() + text.size(), number);
    break;
  }
  return number;
}

}  // namespace forebay::http
