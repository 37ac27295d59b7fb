#pragma once

#include <string>

namespace forebay::config {

/// The JSON Schema (draft 2020-12) of the configuration file, for editors: config/forebay.schema.json.
std::string json_schema();

/// The reference of every setting, in Markdown: docs/configuration.md.
std::string reference();

}  // namespace forebay::config
