#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace forebay::engine {

/// Settings with a dot in their name ("app.user") do not appear in pg_settings until an extension defines
/// them, so the names that have been seen anywhere in the process are kept, to be asked for one by one.
/// Thread safe.

/// Whether a setting that no extension defines could have this name: words with a dot between them, of which
/// the server takes others than those in ASCII as well (valid_custom_variable_name() in utils/misc/guc.c).
bool is_custom_name(std::string_view name);
/// Keeps at most a thousand.
void note_custom_setting(const std::string& name);
/// False from the first name that there was no room for: then no look at a session shows all that it has.
bool knows_all_custom_settings();
/// A setting of a module that every database can load, which no session has set yet: whether it is accepted
/// depends on whether the server process has loaded the module.
bool is_unheard_of_module_setting(const std::string& name);
std::vector<std::string> custom_settings();

}  // namespace forebay::engine
