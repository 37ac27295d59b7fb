#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace forebay::config {

/// Where something was written: a place in a file, a whole file, or a flag of the command line.
struct Location {
  std::string source;  ///< a file's name or a flag such as --pool-size
  int line = 0;        ///< from 1; 0: the source as a whole
  int column = 0;      ///< from 1, in characters; 0 when `line` is 0
};

/// `source:line:column`, or `source` alone.
std::string to_string(const Location& where);

/// Where each setting was written, by its full key: `pool.size`, `databases.shop.upstream`.
using Places = std::map<std::string, Location, std::less<>>;

/// Where `key` was written, or the nearest thing around it that was; otherwise `whole`.
Location place_of(const Places& places, std::string key, const Location& whole);

/// One mistake in a configuration.
struct Problem {
  Location where;
  std::string text;  ///< what is wrong, with what, and what is allowed; one line
};

/// `file:line:column: text`, the form that editors jump to.
std::string to_string(const Problem& problem);

/// Every problem on a line of its own, without a line end after the last.
std::string to_string(const std::vector<Problem>& problems);

/// `text` in double quotes, short and printable, whatever bytes it holds: for use in messages.
std::string in_quotes(std::string_view text);

/// `a, b, c`.
std::string joined(const std::vector<std::string>& parts, std::string_view separator = ", ");

}  // namespace forebay::config
