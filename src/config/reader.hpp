#pragma once

#include <string>
#include <vector>

#include "config/document.hpp"
#include "config/options.hpp"
#include "config/problem.hpp"

namespace forebay::config {

/// Reads a document into settings by the option table. Mistakes are added to `problems`; what is right is
/// stored.
void read_document(const Node& root, Settings& settings, const std::filesystem::path& base, Places& places,
                   std::vector<Problem>& problems);

/// What to say of a key that does not exist: the nearest one, and those that are allowed at this place.
/// `path` names the place from the root of the file.
std::string explain_unknown_key(Scope scope, std::string_view prefix, const std::string& key,
                                std::string_view path);

}  // namespace forebay::config
