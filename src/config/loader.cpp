#include "config/loader.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include <fmt/format.h>

#include "config/checks.hpp"
#include "config/document.hpp"
#include "config/nearest.hpp"
#include "config/options.hpp"
#include "config/reader.hpp"

namespace forebay::config {
namespace {

namespace fs = std::filesystem;

/// The file's text, not much longer than what parse_document accepts. Nothing when it cannot be read.
std::optional<std::string> read_file(const std::string& name, std::vector<Problem>& problems) {
  std::error_code error;
  if (fs::is_directory(name, error)) {
    problems.push_back({{name}, "this is a directory; name a file"});
    return std::nullopt;
  }
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    problems.push_back({{name}, fmt::format("cannot be read: {}", errno_text(errno))});
    return std::nullopt;
  }
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

/// A relative name in a file starts from the file's directory; one in a flag from where the program was
/// started.
fs::path directory_of(const std::string& file) {
  std::error_code error;
  return file.empty() ? fs::current_path(error) : fs::absolute(file, error).parent_path();
}

void apply_file(const LoadRequest& request, Settings& settings, Places& places,
                std::vector<Problem>& problems) {
  if (request.file.empty() && !request.text) return;
  const auto text = request.text ? request.text : read_file(request.file, problems);
  if (!text) return;
  const std::string source = request.file.empty() ? "configuration" : request.file;
  if (const NodePtr root = parse_document(*text, source, request.environment, problems)) {
    read_document(*root, settings, directory_of(request.file), places, problems);
  }
}

std::string unknown_setting(const Override& given) {
  for (const Section& section : sections()) {
    if (section.entries && given.key.starts_with(section.key)) {
      return fmt::format("entries of {} can only be given in the file", section.key);
    }
  }
  std::vector<std::string> keys;
  for (const Option& option : options()) {
    if (option.scope == Scope::global) keys.push_back(option.key);
  }
  const auto near = nearest(given.key, keys);
  return fmt::format(
      "there is no setting {}{}", in_quotes(given.key),
      near ? fmt::format("; did you mean {}?", in_quotes(*near)) : "; `forebay check --all` lists them");
}

void apply_override(const Override& given, Settings& settings, Places& places,
                    std::vector<Problem>& problems) {
  const Option* option = find_option(Scope::global, given.key);
  if (option == nullptr) {
    problems.push_back({{given.flag}, unknown_setting(given)});
    return;
  }
  const Place place{.settings = &settings, .base = directory_of("")};
  option->reset(place);
  // What the file said of the parts (upstream.tls.mode) no longer holds.
  std::erase_if(places, [&given](const auto& entry) { return entry.first.starts_with(given.key + "."); });
  places[given.key] = {given.flag};
  std::vector<std::string> complaints;
  for (const std::string& value : given.values) option->store(place, value, complaints);
  for (std::string& complaint : complaints) problems.push_back({{given.flag}, std::move(complaint)});
}

/// libpq: "if a root CA file exists, the behavior of sslmode=require will be the same as that of verify-ca"
/// (https://www.postgresql.org/docs/15/libpq-ssl.html, 34.19.1).
void settle_upstream(Upstream& upstream) {
  if (upstream.tls.mode == TlsMode::require && !upstream.tls.ca_file.empty()) {
    upstream.tls.mode = TlsMode::verify_ca;
  }
}

/// What follows from what was written.
void settle(Settings& settings) {
  settle_upstream(settings.upstream);
  for (auto& [name, database] : settings.databases) {
    if (!database.upstream) continue;
    settle_upstream(*database.upstream);
    if (database.server_database.empty()) database.server_database = database.upstream->database;
  }
}

/// In the order of the file, the flags' after it.
void sort_problems(std::vector<Problem>& problems) {
  const auto order = [](const Problem& problem) {
    return std::pair(problem.where.line == 0 ? std::numeric_limits<int>::max() : problem.where.line,
                     problem.where.column);
  };
  std::stable_sort(problems.begin(), problems.end(),
                   [&order](const Problem& a, const Problem& b) { return order(a) < order(b); });
}

}  // namespace

Loaded load_all(const LoadRequest& request) {
  auto settings = std::make_shared<Settings>();
  Loaded loaded;
  Places& places = loaded.places;
  loaded.whole = {request.file.empty() ? "command line" : request.file};
  apply_file(request, *settings, places, loaded.problems);
  const bool readable = loaded.problems.empty() || !places.empty();
  for (const Override& given : request.overrides) apply_override(given, *settings, places, loaded.problems);
  settle(*settings);
  if (readable) {  // of a file that could not be read, nothing is known to be missing
    check_settings(*settings, places, loaded.whole, loaded.problems);
    if (request.further_checks) {
      for (const KeyMistake& mistake : request.further_checks(*settings))
        loaded.problems.push_back({place_of(places, mistake.key, loaded.whole), mistake.text});
    }
  }
  sort_problems(loaded.problems);
  if (loaded.problems.size() > kMaxProblems) {
    const std::size_t more = loaded.problems.size() - kMaxProblems;
    loaded.problems.resize(kMaxProblems);
    loaded.problems.push_back({{request.file}, fmt::format("and {} more", more)});
  }
  if (loaded.problems.empty()) loaded.settings = std::move(settings);
  return loaded;
}

Result<SettingsPtr> load(const LoadRequest& request) {
  Loaded loaded = load_all(request);
  if (loaded.settings) return loaded.settings;
  return Error{ErrorCode::configuration, to_string(loaded.problems)};
}

}  // namespace forebay::config
