#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "config/settings.hpp"

namespace forebay::engine {

/// What an application says of a statement in a comment at its beginning or end:
///
///     /* forebay: ttl=5min tags=users,user:42 */ SELECT …
///
/// `ttl`: how long the result is kept, in seconds or with a unit; `tags`: names by which it can be cleared
/// and by which policies find it; `strategy`: as in the configuration; `keep=no`: never. `read=primary`: no
/// replica answers it; `read=any`: one may that does not show the client's own writes yet.
struct Directives {
  /// Which servers may answer.
  enum class Read : std::uint8_t { fresh, primary, any };

  static constexpr std::size_t kMostTags = 16;
  static constexpr std::size_t kLongestTag = 64;

  std::optional<Duration> lifetime;
  std::optional<config::CacheStrategy> strategy;
  bool keep = true;
  Read read = Read::fresh;
  std::vector<std::string> tags;
  std::string
      mistake;  ///< what is wrong with the comment, for people; what is right in it counts nevertheless
};

/// Costs a look at both ends of the text when there is no such comment.
Directives directives_of(std::string_view text);
/// Whether there is one.
bool has_directives(std::string_view text);

/// Whether `tag` is what `pattern` says, in which `*` stands for any characters. Linear in practice: a tag
/// has at most kLongestTag characters.
bool tag_matches(std::string_view pattern, std::string_view tag);
/// Whether any of several is, which have commas between them.
bool any_tag_matches(std::string_view pattern, std::string_view tags);

}  // namespace forebay::engine
