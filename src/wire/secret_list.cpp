#include <algorithm>
#include <cerrno>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "wire/secret.hpp"

namespace forebay::wire {
namespace {

constexpr std::string_view kBlanks = " \t\r\v\f";

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
}

/// Takes a quoted field off the front. Nothing when there is none or its quote is not closed.
std::optional<std::string> take_field(std::string_view& rest) {
  skip_blanks(rest);
  if (!rest.starts_with('"')) return std::nullopt;
  std::string field;
  for (std::size_t at = 1; at < rest.size(); ++at) {
    if (rest[at] != '"') {
      field += rest[at];
    } else if (at + 1 < rest.size() && rest[at + 1] == '"') {
      field += '"';
      ++at;
    } else {
      rest.remove_prefix(at + 1);
      return field;
    }
  }
  wipe(field);
  return std::nullopt;
}

/// Reads one user list; see parse_user_list.
class UserListReader {
 public:
  explicit UserListReader(std::string_view origin) : origin_(origin) {}

  void read_line(std::string_view line) {
    ++line_;
    skip_blanks(line);
    if (line.empty() || line.front() == ';' || line.front() == '#') return;
    if (line.find('\0') != std::string_view::npos)
      return add_mistake("there is a zero byte; is this a text file?");
    auto name = take_field(line);
    if (!name) return add_mistake("the user name must stand in double quotes: \"name\" \"secret\"");
    auto secret_text = take_field(line);
    if (!secret_text) {
      return add_mistake(
          "the secret must follow the name, in double quotes (a double quote inside is doubled)");
    }
    add(*std::move(name), *secret_text);
    wipe(*secret_text);
  }

  Result<SecretList> result() && {
    if (!mistakes_.empty()) return Error{ErrorCode::configuration, std::move(mistakes_)};
    return std::move(list_);
  }

 private:
  void add(std::string name, std::string_view secret_text) {
    if (name.empty()) return add_mistake("the user name is empty");
    auto secret = Secret::parse(secret_text);
    if (!secret) return add_mistake(secret.error().text);
    const auto [first, is_new] = lines_.emplace(name, line_);
    if (!is_new) {
      return add_mistake(
          fmt::format("\"{}\" stands in line {} already; keep one of the two", name, first->second));
    }
    list_.emplace(std::move(name), *std::move(secret));
  }

  void add_mistake(std::string_view what) {
    if (!mistakes_.empty()) mistakes_ += '\n';
    mistakes_ += fmt::format("{}:{}: {}", origin_, line_, what);
  }

  std::string_view origin_;
  int line_ = 0;
  SecretList list_;
  std::map<std::string, int> lines_;
  std::string mistakes_;
};

}  // namespace

Result<SecretList> parse_user_list(std::string_view text, std::string_view origin) {
  UserListReader reader(origin);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reader.read_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::move(reader).result();
}

Result<SecretList> read_user_list(const std::string& file) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  if (!stream) {
    return Error{ErrorCode::configuration,
                 fmt::format("the user list {} cannot be read: {}", file, errno_text(errno))};
  }
  return parse_user_list(text.str(), file);
}

}  // namespace forebay::wire
