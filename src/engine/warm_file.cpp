#include "engine/warm_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/socket.hpp"
#include "observe/log.hpp"

namespace forebay::engine {

namespace {

/// Far more than the longest list of ours.
constexpr off_t kMostBytes = off_t{64} << 20;
/// Of mistakes that are told one by one.
constexpr int kMostTold = 10;

Error failure(std::string_view doing) {
  return {ErrorCode::io, fmt::format("{}: {}", doing, std::strerror(errno))};
}

Result<std::string> read_whole(const std::string& path) {
  const net::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file && errno == ENOENT) return std::string();
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0) return failure("open");
  if (!S_ISREG(facts.st_mode)) return Error{ErrorCode::invalid_input, "no regular file"};
  if (facts.st_size > kMostBytes) return Error{ErrorCode::invalid_input, "more than 64 MiB"};
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return failure("read");
  text.resize(static_cast<std::size_t>(got));
  return text;
}

}  // namespace

Result<std::vector<WarmQuestion>> read_warm_file(const std::string& path, std::size_t most) {
  auto text = read_whole(path);
  if (!text) return text.error();
  std::vector<WarmQuestion> questions;
  std::string_view rest = *text;
  int mistakes = 0;
  for (int number = 1; !rest.empty() && questions.size() < most; ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (line.empty()) continue;
    auto question = parse_warm_question(line);
    if (question) {
      questions.push_back(std::move(*question));
    } else if (++mistakes <= kMostTold) {
      observe::Event("a line of cache.warm_file is left out")
          .with("at", fmt::format("{}:{}", path, number))
          .with("why", question.error().text)
          .warning();
    }
  }
  return questions;
}

Result<void> write_warm_file(const std::string& path, const std::vector<std::string>& lines) {
  // Of our own, whatever lies there, and whoever else writes the same list at this moment.
  const std::string next = fmt::format("{}.{}", path, ::getpid());
  ::unlink(next.c_str());
  const net::Fd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return failure("open " + next);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = ::write(file.get(), rest.data(), rest.size());
    if (written < 0) return failure("write " + next);
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (std::rename(next.c_str(), path.c_str()) != 0) return failure("rename " + next);
  return {};
}

}  // namespace forebay::engine
