#include "config/pgbouncer_ini.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "base/result.hpp"
#include "base/utf8.hpp"
#include "config/values.hpp"

namespace forebay::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBytes = 1024 * 1024;
constexpr int kMaxIncludeDepth = 10;  // PgBouncer's own bound
constexpr int kMaxFiles = 100;

std::optional<std::string> read_whole(const std::string& file) {
  std::error_code error;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::nullopt;
  if (fs::is_directory(file, error)) {
    errno = EISDIR;
    return std::nullopt;
  }
  std::string text(kMaxBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

/// A name in double quotes at the front of `text`, "" standing for one quote.
std::optional<std::string> take_quoted(std::string_view& text) {
  std::string name;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] != '"') {
      name += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '"') {
      name += text[++i];
    } else {
      text.remove_prefix(i + 1);
      return name;
    }
  }
  return std::nullopt;
}

class IniReader {
 public:
  explicit IniReader(std::vector<Problem>& problems) : problems_(problems) {}

  void read(const std::string& file, const Location& from, int depth) {
    if (depth > kMaxIncludeDepth || ++files_ > kMaxFiles) {
      tell(from,
           fmt::format("more than {} included files, or {} inside each other", kMaxFiles, kMaxIncludeDepth));
      return;
    }
    const auto text = read_whole(file);
    if (!text) {
      tell(from, fmt::format("{} cannot be read: {}", in_quotes(file), errno_text(errno)));
    } else if (text->size() > kMaxBytes) {
      tell(from, fmt::format("{} is larger than {} bytes", in_quotes(file), kMaxBytes));
    } else {
      read_lines(*text, file, depth);
    }
  }

  std::vector<IniLine> take() { return std::move(lines_); }

 private:
  void tell(const Location& where, std::string text) {
    if (problems_.size() < 100) problems_.push_back({where, std::move(text)});
  }

  void read_lines(const std::string& text, const std::string& file, int depth) {
    std::istringstream stream(text);
    std::string raw;
    for (int number = 1; std::getline(stream, raw); ++number) {
      const std::string_view line = trimmed(raw);
      const Location where{file, number, 1};
      if (line.empty() || line[0] == ';' || line[0] == '#') continue;
      if (!is_utf8(line)) {
        tell(where, "this line is not UTF-8, and a YAML file can hold nothing else");
      } else if (line.starts_with("%include")) {
        read(resolve(std::string(trimmed(line.substr(8))), file), where, depth + 1);
      } else if (line[0] == '[') {
        open_section(line, where);
      } else {
        read_pair(line, where);
      }
    }
  }

  static std::string resolve(const std::string& name, const std::string& including) {
    std::error_code error;
    if (fs::path(name).is_absolute() || fs::exists(name, error)) return name;
    return (fs::path(including).parent_path() / name).string();
  }

  void open_section(std::string_view line, const Location& where) {
    const auto end = line.find(']');
    if (end == std::string_view::npos) {
      tell(where, fmt::format("{} has no closing bracket", in_quotes(line)));
      return;
    }
    section_ = std::string(trimmed(line.substr(1, end - 1)));
  }

  void read_pair(std::string_view line, const Location& where) {
    std::string_view rest = line;
    std::string key;
    if (line[0] == '"') {
      const auto name = take_quoted(rest);
      if (!name) {
        tell(where, fmt::format("{} has no closing quote", in_quotes(line)));
        return;
      }
      key = *name;
    }
    const auto equals = rest.find('=');
    if (equals == std::string_view::npos) {
      tell(where, fmt::format("{} is not of the form key = value", in_quotes(line)));
      return;
    }
    if (line[0] != '"') key = std::string(trimmed(rest.substr(0, equals)));
    lines_.push_back({section_, key, std::string(trimmed(rest.substr(equals + 1))), where});
  }

  std::vector<Problem>& problems_;
  std::vector<IniLine> lines_;
  std::string section_;
  int files_ = 0;
};

}  // namespace

std::vector<IniLine> read_pgbouncer_ini(const std::string& file, std::vector<Problem>& problems) {
  IniReader reader(problems);
  reader.read(file, {file}, 0);
  return reader.take();
}

std::optional<Pairs> parse_connection_string(std::string_view text) {
  Pairs pairs;
  for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string key(trimmed(text.substr(0, equals)));
    text = trimmed(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('\'')) {
      std::size_t i = 1;
      for (; i < text.size() && (text[i] != '\'' || text.substr(i).starts_with("''")); ++i) {
        if (text[i] == '\'') ++i;
        value += text[i];
      }
      if (i >= text.size()) return std::nullopt;
      text.remove_prefix(i + 1);
    } else {
      const auto end = std::min(text.find_first_of(" \t"), text.size());
      value = std::string(text.substr(0, end));
      text.remove_prefix(end);
    }
    pairs.emplace_back(key, value);
  }
  return pairs;
}

std::optional<Pairs> read_user_list(const std::string& file) {
  const auto text = read_whole(file);
  if (!text) return std::nullopt;
  Pairs users;
  std::istringstream stream(*text);
  std::string raw;
  while (std::getline(stream, raw)) {
    std::string_view line = trimmed(raw);
    if (!line.starts_with('"')) continue;
    const auto name = take_quoted(line);
    line = trimmed(line);
    if (!name || !line.starts_with('"')) continue;
    if (const auto secret = take_quoted(line)) users.emplace_back(*name, *secret);
  }
  return users;
}

}  // namespace forebay::config
