#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/options.hpp"
#include "config/problem.hpp"

namespace forebay::config {

/// Where each setting was written, by its full key: `pool.size`, `databases.shop.upstream`.
using Places = std::map<std::string, Location, std::less<>>;

/// Reads a document into settings by the option table. Mistakes are added to `problems`; what is right is
/// stored.
void read_document(const Node& root, Settings& settings, const std::filesystem::path& base, Places& places,
                   std::vector<Problem>& problems);

/// What to say of a key that does not exist: the nearest one, and those that are allowed at this place.
std::string explain_unknown_key(Scope scope, std::string_view prefix, const std::string& key);

}  // namespace forebay::config
