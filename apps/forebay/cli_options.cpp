#include "cli_options.hpp"

#include <sstream>

#include "config/options.hpp"

namespace forebay {
namespace {

constexpr std::size_t kHelpWidth = 74;  // of the right column, so that a line stays below 110

/// What stands for the value in the help.
const char* value_name(config::Kind kind) {
  switch (kind) {
    case config::Kind::upstream:
      return "URL";
    case config::Kind::addresses:
      return "ADDRESS";
    case config::Kind::file:
      return "FILE";
    case config::Kind::count:
      return "N";
    case config::Kind::boolean:
      return "on|off";
    case config::Kind::size:
      return "SIZE";
    case config::Kind::duration:
      return "TIME";
    default:
      return "VALUE";
  }
}

/// CLI11 indents the lines of a description, but does not make them.
std::string wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string out, word;
  std::size_t column = 0;
  while (words >> word) {
    const bool fits = column + 1 + word.size() <= kHelpWidth;
    if (column > 0) out += fits ? ' ' : '\n';
    column = column > 0 && fits ? column + 1 + word.size() : word.size();
    out += word;
  }
  return out;
}

/// The first sentence of the option's help with its values and its default; the rest is in the reference.
std::string flag_help(const config::Option& option) {
  std::string help = option.help.substr(0, option.help.find(". "));
  std::erase(help, '`');
  if (help.ends_with('.')) help.pop_back();
  if (!option.choices.empty()) help += ": " + config::joined(option.choices);
  if (option.kind == config::Kind::upstream) return wrapped(help);
  if (option.kind == config::Kind::addresses) return wrapped(help + "; may be repeated");
  config::Settings settings;
  std::string value = option.show({.settings = &settings, .base = {}});
  if (option.kind == config::Kind::boolean) value = value == "true" ? "on" : "off";
  return wrapped(value.empty() ? help : help + " [" + value + "]");
}

/// Several values only by repeating the flag: what follows a value is never taken for another.
void may_repeat(CLI::Option& option) {
  option.expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
}

}  // namespace

void add_setting_flags(CLI::App& command, SettingFlags& flags, const std::string& group) {
  command.add_option("--config", flags.config_file, "YAML file with all settings; flags win over it")
      ->type_name("FILE");
  for (const config::Option& option : config::options()) {
    if (option.flag.empty()) continue;
    CLI::Option* added = command.add_option_function<std::vector<std::string>>(
        option.flag,
        [&flags, &option](const std::vector<std::string>& values) {
          flags.overrides.push_back({option.flag, option.key, values});
        },
        flag_help(option));
    added->type_name(option.choices.empty() ? value_name(option.kind) : "NAME")->group(group);
    if (option.kind == config::Kind::addresses) {
      may_repeat(*added);
    } else {
      added->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::Throw)->allow_extra_args(false);
    }
  }
  CLI::Option* set = command.add_option(
      "--set", flags.sets,
      wrapped(
          "Any other setting of the file by its key, for example --set timeouts.wait=5s; may be repeated. "
          "Entries of databases, users and policies need the file"));
  may_repeat(*set->type_name("KEY=VALUE")->group(group));
}

config::LoadRequest load_request(const SettingFlags& flags) {
  config::LoadRequest request;
  request.file = flags.config_file;
  request.overrides = flags.overrides;
  for (const std::string& set : flags.sets) {
    const auto equals = set.find('=');
    if (equals == std::string::npos) {
      throw CLI::ValidationError("--set", "write --set KEY=VALUE, for example --set timeouts.wait=5s");
    }
    request.overrides.push_back(
        {"--set " + set.substr(0, equals), set.substr(0, equals), {set.substr(equals + 1)}});
  }
  return request;
}

}  // namespace forebay
