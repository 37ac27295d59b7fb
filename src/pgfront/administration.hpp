#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "pgfront/front.hpp"

/// What administrators do, by whichever way they come. From any thread, without waiting.
namespace forebay::pgfront {

/// Why nothing can be done to this database, and what might help.
struct NoDatabase {
  std::string why;
  std::string hint;
};
std::optional<NoDatabase> check_database(const Front& front, const std::string& name);

/// Lends no backends of this database (of all, when it is empty) until it is resumed, and closes them as they
/// come back.
void pause(Front& front, const std::string& database);
/// Backends of this database, or of all, that are still open: none, when a pause is complete.
std::size_t open_backends(Front& front, const std::string& database);

/// What resume() came to.
enum class Resumed { yes, not_paused, paused_with_all };
Resumed resume(Front& front, const std::string& database);

/// Forgets what is kept, or what depends on `relation` when it is not empty. How many results.
std::size_t clear_cache(Front& front, const std::string& relation);
/// Forgets what has a tag that `pattern` fits.
std::size_t clear_cache_of_tag(Front& front, const std::string& pattern);

}  // namespace forebay::pgfront
