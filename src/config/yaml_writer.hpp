#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace forebay::config {

/// Text in double quotes that YAML reads back as exactly `text`, which is UTF-8.
std::string yaml_quoted(std::string_view text);
/// Likewise for a configuration file of Forebay's, where the expansion of variables follows.
std::string yaml_text(std::string_view text);

/// Writes a configuration file line by line, with comments.
class YamlWriter {
 public:
  /// A line of comment at the left.
  void comment(std::string_view text);
  void blank_line();

  /// `value` (already YAML) under the keys of `path`. Values of one mapping have to be put one after the
  /// other.
  void put(const std::vector<std::string>& path, std::string_view value, std::string_view comment = {});

  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::vector<std::string> open_;  ///< the mappings that the last value stands in
};

}  // namespace forebay::config
