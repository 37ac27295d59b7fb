#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/environment.hpp"
#include "config/problem.hpp"

namespace forebay::config {

/// Bounds on a configuration file. Far above any real one; below what could hurt.
inline constexpr std::size_t kMaxFileBytes = 1024 * 1024;
inline constexpr std::size_t kMaxDepth = 32;      ///< mappings and lists inside each other
inline constexpr std::size_t kMaxNodes = 50'000;  ///< values, an alias counting as all that it stands for
inline constexpr std::size_t kMaxProblems = 100;  ///< further ones are counted, not told

struct Node;
using NodePtr = std::shared_ptr<const Node>;

/// One `key: value` of a mapping.
struct Entry {
  std::string key;
  Location where;  ///< of the key
  NodePtr value;
};

/// A value of a YAML file with its place: the part of YAML that a configuration needs.
struct Node {
  enum class Kind { null, scalar, list, mapping };

  Kind kind = Kind::null;
  Location where;
  std::string text;            ///< scalar: its text, environment variables expanded
  std::string source;          ///< scalar: as written in the file
  bool broken = false;         ///< scalar: a variable could not be expanded, which has been told
  std::vector<NodePtr> items;  ///< list
  std::vector<Entry> entries;  ///< mapping, in file order, without duplicates
  std::size_t size = 1;        ///< this node and all below it, aliases expanded
};

/// Reads one YAML document. What it cannot read it adds to `problems`; a duplicate key, a variable that is
/// not set and the like are told and left out, and reading goes on. Returns null when the text is not YAML at
/// all or exceeds a bound. `source` names the text in problems. Never throws for any input; the work is
/// bounded.
NodePtr parse_document(std::string_view text, const std::string& source, const Environment& environment,
                       std::vector<Problem>& problems);

}  // namespace forebay::config
