#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "config/options.hpp"
#include "config/reference.hpp"

namespace forebay::config {
namespace {

namespace json = boost::json;

/// Text that holds ${NAME}: what comes out of it is not known to an editor.
json::value reference_to(const char* definition) {
  return {{"$ref", fmt::format("#/$defs/{}", definition)}};
}

json::object any_of(json::array alternatives) {
  return {{"anyOf", std::move(alternatives)}};
}

/// `help` without the marks of Markdown.
std::string plain(std::string help) {
  std::erase(help, '`');
  return help;
}

json::object names_schema(const char* item) {
  return any_of({reference_to(item), json::object{{"type", "array"}, {"items", reference_to(item)}}});
}

json::object count_schema(const Option& option) {
  const json::object number{
      {"type", "integer"}, {"minimum", option.range.least}, {"maximum", option.range.most}};
  return any_of({number, reference_to("variable")});
}

/// Whether it may also be written as what is a boolean in YAML.
bool takes_boolean(const Option& option) {
  Settings settings;
  std::vector<std::string> complaints;
  if (option.scope == Scope::global) option.store({.settings = &settings, .base = {}}, "true", complaints);
  return option.scope == Scope::global && complaints.empty();
}

json::object choice_schema(const Option& option) {
  json::array choices;
  for (const std::string& choice : option.choices) choices.emplace_back(choice);
  json::array ways{json::object{{"enum", std::move(choices)}}, reference_to("variable")};
  if (takes_boolean(option)) {
    ways.push_back(json::object{{"type", "boolean"}});
    ways.push_back(reference_to("word"));
  }
  return any_of(std::move(ways));
}

json::object value_schema(const Option& option) {
  switch (option.kind) {
    case Kind::text:
    case Kind::secret:
    case Kind::file:
      return {{"type", json::array{"string", "number"}}};  // a name or password of digits only
    case Kind::count:
      return count_schema(option);
    case Kind::duration:
      return {{"$ref", "#/$defs/duration"}};
    case Kind::size:
      return {{"$ref", "#/$defs/size"}};
    case Kind::boolean:
      return any_of({json::object{{"type", "boolean"}}, reference_to("word"), reference_to("variable")});
    case Kind::choice:
      return choice_schema(option);
    case Kind::names:
      return names_schema("name");
    case Kind::addresses:
      return names_schema("address");
    case Kind::upstream:
      if (option.scope == Scope::upstream) return {{"$ref", "#/$defs/url"}};
      return any_of({reference_to("url"), reference_to("upstream")});
  }
  return {};
}

json::object described(json::object schema, const Option& option) {
  schema["description"] = plain(option.help);
  Settings defaults;
  if (option.scope != Scope::global || option.kind == Kind::upstream) return schema;
  const std::string value = option.show({.settings = &defaults, .base = {}});
  if (value.empty()) return schema;
  if (option.kind == Kind::count) {
    schema["default"] = std::stoll(value);
  } else if (option.kind == Kind::boolean) {
    schema["default"] = value == "true";
  } else {
    schema["default"] = value;
  }
  return schema;
}

const char* definition_of(Scope entries) {
  switch (entries) {
    case Scope::database:
      return "database";
    case Scope::user:
      return "user";
    case Scope::rule:
      return "rule";
    case Scope::alias:
      return "alias";
    default:
      return "policy";
  }
}

/// The mapping of everything under `prefix` in a scope.
json::object mapping_schema(Scope scope, const std::string& prefix) {
  json::object properties;
  for (const std::string& key : keys_under(scope, prefix)) {
    const std::string full = prefix.empty() ? key : fmt::format("{}.{}", prefix, key);
    const Option* option = find_option(scope, full);
    const auto section = std::find_if(sections().begin(), sections().end(), [&](const Section& candidate) {
      return scope == Scope::global && candidate.key == full;
    });
    if (option != nullptr) {
      properties[key] = described(value_schema(*option), *option);
    } else if (section != sections().end() && section->entries) {
      properties[key] =
          json::object{{"type", json::array{"object", "null"}},
                       {"description", plain(section->help)},
                       {"additionalProperties", reference_to(definition_of(*section->entries))}};
    } else {
      properties[key] = mapping_schema(scope, full);
      if (section != sections().end()) properties[key].as_object()["description"] = plain(section->help);
    }
  }
  return {{"type", json::array{"object", "null"}},
          {"additionalProperties", false},
          {"properties", std::move(properties)}};
}

json::object definitions() {
  return {
      {"variable", json::object{{"type", "string"}, {"pattern", "\\$\\{[A-Za-z_]"}}},
      {"word", json::object{{"enum", json::array{"yes", "no", "on", "off"}}}},
      {"name", json::object{{"type", json::array{"string", "number"}}}},
      {"address", json::object{{"type", "string"},
                               {"examples", json::array{"127.0.0.1:6432", "[::1]:6432", "unix:/run/forebay",
                                                        "unix:/run/forebay:5433"}}}},
      {"duration",
       any_of({json::object{{"const", 0}},
               json::object{{"type", "string"}, {"pattern", "^(0|([0-9]*\\.?[0-9]+ *(ms|s|min|h|d))+)$"}},
               reference_to("variable")})},
      {"size", any_of({json::object{{"type", "string"}, {"pattern", "^[0-9]*\\.?[0-9]+ *([KMG]i?B?|kB|B)$"}},
                       reference_to("variable")})},
      {"url", any_of({json::object{{"type", "string"}, {"pattern", "^postgres(ql)?://"}},
                      reference_to("variable")})},
      {"upstream", mapping_schema(Scope::upstream, "")},
      {"database", any_of({reference_to("url"), mapping_schema(Scope::database, "")})},
      {"user", mapping_schema(Scope::user, "")},
      {"policy", mapping_schema(Scope::policy, "")},
      {"rule", mapping_schema(Scope::rule, "")},
      {"alias", any_of({json::object{{"type", "string"}, {"pattern", "^/"}}, reference_to("variable")})},
  };
}

/// `value` over several lines, as a person would indent it.
void print(const json::value& value, int depth, std::string& out) {
  const std::string indent(static_cast<std::size_t>(depth + 1) * 2, ' ');
  const bool object = value.is_object() && !value.get_object().empty();
  if (!object) {  // lists are short here
    out += json::serialize(value);
    return;
  }
  out += "{";
  const char* separator = "\n";
  for (const auto& [key, member] : value.get_object()) {
    out += separator + indent + json::serialize(key) + ": ";
    separator = ",\n";
    print(member, depth + 1, out);
  }
  out += "\n" + indent.substr(2) + "}";
}

}  // namespace

std::string json_schema() {
  json::object schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                      {"title", "Forebay's configuration file"},
                      {"$comment", "Generated: forebay generate schema"}};
  for (const auto& [key, value] : mapping_schema(Scope::global, "")) schema[key] = value;
  schema["$defs"] = definitions();
  std::string text;
  print(schema, 0, text);
  return text + "\n";
}

}  // namespace forebay::config
