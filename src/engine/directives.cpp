#include "engine/directives.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "config/values.hpp"
#include "engine/trace_comment.hpp"

namespace forebay::engine {

namespace {

constexpr std::string_view kMark = "forebay:";
constexpr std::string_view kBlanks = " \t\n\r\f";
constexpr config::Range kLifetimes{1, config::kLongestDuration};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/// What stands in a comment of ours at the beginning or the end of the text; empty: there is none.
std::string_view comment_of(std::string_view text) {
  const auto inside = [](std::string_view comment) {
    comment = config::trimmed(comment);
    return comment.starts_with(kMark) ? comment.substr(kMark.size()) : std::string_view();
  };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && (is_blank(text.back()) || text.back() == ';')) text.remove_suffix(1);
  if (text.empty() || (text.front() != '/' && text.back() != '/')) return {};
  if (text.starts_with("/*")) {
    const auto end = text.find("*/", 2);
    if (end == text.npos) return {};
    if (const auto found = inside(text.substr(2, end - 2)); !found.empty()) return found;
  }
  if (!text.ends_with("*/")) return {};
  const auto begin = text.rfind("/*", text.size() - 3);
  const bool is_whole = begin != text.npos && begin + 4 <= text.size();
  return is_whole ? inside(text.substr(begin + 2, text.size() - begin - 4)) : std::string_view();
}

bool is_tag(std::string_view tag) {
  constexpr std::string_view kMarks = "_-.:/{}@";
  return !tag.empty() && tag.size() <= Directives::kLongestTag && std::ranges::all_of(tag, [&](char c) {
    return is_letter_or_digit(c) || kMarks.find(c) != kMarks.npos;
  });
}

template <class T, class Field>
void take(const Result<T>& value, std::string_view name, Field& field, Directives& directives) {
  if (value) {
    field = *value;
  } else {
    directives.mistake = std::string(name) + ": " + value.error().text;
  }
}

void read_tags(std::string_view value, Directives& directives) {
  for (std::string& tag : config::split_list(value)) {
    if (!is_tag(tag)) {
      directives.mistake =
          fmt::format("tags are 1 to {} letters, digits and _-.:/{{}}@", Directives::kLongestTag);
    } else if (directives.tags.size() == Directives::kMostTags) {
      directives.mistake = fmt::format("more than {} tags", Directives::kMostTags);
    } else {
      directives.tags.push_back(std::move(tag));
    }
  }
}

void read_lifetime(std::string_view value, Directives& directives) {
  const bool is_seconds = !value.empty() && value.find_first_not_of("0123456789") == value.npos;
  take(config::parse_duration(is_seconds ? std::string(value) + "s" : std::string(value), kLifetimes), "ttl",
       directives.lifetime, directives);
}

void read_read(std::string_view value, Directives& directives) {
  if (value == "primary") {
    directives.read = Directives::Read::primary;
  } else if (value == "any") {
    directives.read = Directives::Read::any;
  } else {
    directives.mistake = "read: primary or any";
  }
}

void read_directive(std::string_view word, Directives& directives) {
  const auto equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = equals == word.npos ? std::string_view() : word.substr(equals + 1);
  if (name == "tags") {
    read_tags(value, directives);
  } else if (name == "ttl") {
    read_lifetime(value, directives);
  } else if (name == "strategy") {
    take(config::parse_choice<config::CacheStrategy>(value), name, directives.strategy, directives);
  } else if (name == "keep") {
    take(config::parse_boolean(value), name, directives.keep, directives);
  } else if (name == "read") {
    read_read(value, directives);
  } else {
    directives.mistake = "there are ttl=, tags=, strategy=, keep= and read=, and nothing else";
  }
}

}  // namespace

Directives directives_of(std::string_view text) {
  std::string_view rest = comment_of(text);
  Directives directives;
  while (true) {
    const auto begin = rest.find_first_not_of(kBlanks);
    if (begin == rest.npos) return directives;
    rest.remove_prefix(begin);
    const std::string_view word = rest.substr(0, rest.find_first_of(kBlanks));
    rest.remove_prefix(word.size());
    read_directive(word, directives);
  }
}

bool has_directives(std::string_view text) {
  return may_have_outer_comment(text) && !comment_of(text).empty();
}

bool tag_matches(std::string_view pattern, std::string_view tag) {
  std::size_t at = 0;
  std::size_t in_tag = 0;
  std::size_t star = pattern.npos;  // the last one, and where in the tag what it stands for ends
  std::size_t star_end = 0;
  while (in_tag < tag.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_end = in_tag;
    } else if (at < pattern.size() && pattern[at] == tag[in_tag]) {
      ++at;
      ++in_tag;
    } else if (star != pattern.npos) {
      at = star + 1;
      in_tag = ++star_end;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == pattern.npos;
}

bool any_tag_matches(std::string_view pattern, std::string_view tags) {
  while (!tags.empty()) {
    const std::string_view tag = tags.substr(0, tags.find(','));
    if (tag_matches(pattern, tag)) return true;
    tags.remove_prefix(std::min(tags.size(), tag.size() + 1));
  }
  return false;
}

}  // namespace forebay::engine
