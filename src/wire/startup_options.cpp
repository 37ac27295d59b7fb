#include "wire/startup_options.hpp"

#include <algorithm>
#include <vector>

#include "base/ascii.hpp"

namespace forebay::wire {

namespace {

/// Words between white space; a backslash takes the character behind it as it is (pg_split_opts in
/// utils/init/postinit.c).
std::vector<std::string> words_of(std::string_view options) {
  std::vector<std::string> words;
  bool in_word = false;
  for (std::size_t at = 0; at < options.size(); ++at) {
    if (std::string_view(" \t\n\v\f\r").find(options[at]) != std::string_view::npos) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    if (options[at] == '\\' && at + 1 < options.size()) ++at;
    words.back().push_back(options[at]);
  }
  return words;
}

}  // namespace

std::optional<std::string> option_setting(std::string_view options, std::string_view name) {
  std::optional<std::string> value;
  bool after_c = false;
  for (const std::string& word : words_of(options)) {
    std::string_view assignment = word;
    if (!after_c && word == "-c") {
      after_c = true;
      continue;
    }
    if (!after_c && !word.starts_with("-c") && !word.starts_with("--")) continue;
    if (!after_c) assignment.remove_prefix(2);
    after_c = false;
    const std::size_t equals = assignment.find('=');
    std::string set = lower_case(assignment.substr(0, equals));
    std::ranges::replace(set, '-', '_');
    if (equals != std::string_view::npos && set == name) value = assignment.substr(equals + 1);
  }
  return value;
}

}  // namespace forebay::wire
