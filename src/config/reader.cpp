#include "config/reader.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "config/nearest.hpp"

namespace forebay::config {
namespace {

std::string dotted(std::string_view prefix, std::string_view key) {
  return prefix.empty() ? std::string(key) : fmt::format("{}.{}", prefix, key);
}

const Section* find_section(std::string_view key) {
  for (const Section& section : sections()) {
    if (section.key == key) return &section;
  }
  return nullptr;
}

class Reader {
 public:
  Reader(std::filesystem::path base, Places& places, std::vector<Problem>& problems)
      : base_(std::move(base)), places_(places), problems_(problems) {}

  /// Where we are: `prefix` inside a thing of `scope`, `path` from the root of the file.
  struct Level {
    Scope scope;
    Place place;
    std::string prefix;
    std::string path;
  };

  Level root(Settings& settings) const {
    return {Scope::global, {.settings = &settings, .base = base_}, "", ""};
  }

  void read_mapping(const Node& node, const Level& level) {
    if (node.kind == Node::Kind::null) return;  // a section with everything commented out
    if (node.kind != Node::Kind::mapping) {
      tell(node.where, fmt::format("{} holds keys of its own; write them below it, indented: {}",
                                   level.path.empty() ? "the file" : level.path,
                                   joined(keys_under(level.scope, level.prefix))));
      return;
    }
    for (const Entry* entry : in_order(node)) read_entry(*entry, level);
  }

 private:
  /// A `url` first, whatever the order in the file: the other keys of an upstream are laid over it.
  static std::vector<const Entry*> in_order(const Node& mapping) {
    std::vector<const Entry*> entries;
    for (const Entry& entry : mapping.entries) entries.push_back(&entry);
    std::stable_partition(entries.begin(), entries.end(),
                          [](const Entry* entry) { return entry->key == "url"; });
    return entries;
  }

  void tell(const Location& where, std::string text) { problems_.push_back({where, std::move(text)}); }

  void read_entry(const Entry& entry, const Level& level) {
    const std::string key = dotted(level.prefix, entry.key);
    const std::string path = dotted(level.path, entry.key);
    places_[path] = entry.where;
    if (const Option* option = find_option(level.scope, key)) {
      read_option(*option, *entry.value, level, path);
      return;
    }
    const Section* section = level.scope == Scope::global ? find_section(key) : nullptr;
    if (section != nullptr && section->entries) {
      read_named(*section, *entry.value, *level.place.settings);
    } else if (!keys_under(level.scope, key).empty()) {
      read_mapping(*entry.value, {level.scope, level.place, key, path});
    } else {
      const bool is_told = problems_.size() < kMaxProblems;  // the rest is only counted
      tell(entry.where, is_told ? explain_unknown_key(level.scope, level.prefix, entry.key, level.path) : "");
    }
  }

  void read_option(const Option& option, const Node& node, const Level& level, const std::string& path) {
    const bool list = option.kind == Kind::names || option.kind == Kind::addresses;
    if (node.kind == Node::Kind::null) {
      tell(node.where, fmt::format("{} has no value; give it one or remove the key", path));
    } else if (node.kind == Node::Kind::scalar) {
      option.reset(level.place);
      store(option, node, level, path);
    } else if (list && node.kind == Node::Kind::list) {
      option.reset(level.place);
      for (const NodePtr& item : node.items) {
        item->kind == Node::Kind::scalar
            ? store(option, *item, level, path)
            : tell(item->where, fmt::format("{} is a list of plain values", path));
      }
    } else if (option.kind == Kind::upstream && level.scope != Scope::upstream &&
               node.kind == Node::Kind::mapping) {
      read_mapping(node, {Scope::upstream, {.upstream = option.open(level.place), .base = base_}, "", path});
    } else {
      tell(node.where, fmt::format("{} takes {}", path, list ? "a value or a list of values" : "one value"));
    }
  }

  void store(const Option& option, const Node& node, const Level& level, const std::string& path) {
    if (node.broken) return;
    std::vector<std::string> complaints;
    option.store(level.place, node.text, complaints);
    for (const std::string& complaint : complaints) {
      const bool expanded = node.text != node.source && option.kind != Kind::secret;
      const std::string from = expanded ? fmt::format(" (from {})", node.source.substr(0, 80)) : "";
      tell(node.where, fmt::format("{}: {}{}", path, complaint, from));
    }
  }

  void read_alias(const Node& node, const std::string& path, std::string& target) {
    if (node.kind != Node::Kind::scalar) return tell(node.where, fmt::format("{} takes one value", path));
    target = node.text;
  }

  /// `databases`, `users`, `policies`, `http.aliases` and `alerts.rules`: the keys are the user's, the values
  /// are mappings of their own scope, or plain.
  void read_named(const Section& section, const Node& node, Settings& settings) {
    if (node.kind == Node::Kind::null) return;
    if (node.kind != Node::Kind::mapping) {
      tell(node.where,
           fmt::format("{0} maps names to their settings; write {0}: {{NAME: {{…}}}}", section.key));
      return;
    }
    for (const Entry& entry : node.entries) {
      const std::string path = dotted(section.key, entry.key);
      places_[path] = entry.where;
      if (*section.entries == Scope::database) {
        Database& database = settings.databases[entry.key];
        read_database(*entry.value, {Scope::database, {.database = &database, .base = base_}, "", path});
      } else if (*section.entries == Scope::policy) {
        CachePolicy& policy = settings.policies[entry.key];
        read_mapping(*entry.value, {Scope::policy, {.policy = &policy, .base = base_}, "", path});
      } else if (*section.entries == Scope::rule) {
        AlertRule& rule = settings.alerts.rules[entry.key];
        read_mapping(*entry.value, {Scope::rule, {.rule = &rule, .base = base_}, "", path});
      } else if (*section.entries == Scope::alias) {
        read_alias(*entry.value, path, settings.http.aliases[entry.key]);
      } else {
        User& user = settings.users[entry.key];
        read_mapping(*entry.value, {Scope::user, {.user = &user, .base = base_}, "", path});
      }
    }
  }

  void read_database(const Node& node, const Level& level) {
    if (node.kind == Node::Kind::scalar) {  // NAME: URL
      read_option(*find_option(Scope::database, "upstream"), node, level, dotted(level.path, "upstream"));
      places_[dotted(level.path, "upstream")] = node.where;
    } else {
      read_mapping(node, level);
    }
  }

  std::filesystem::path base_;
  Places& places_;
  std::vector<Problem>& problems_;
};

/// The option that PgBouncer calls `key`, so that its users are shown the way.
const Option* find_pgbouncer_name(Scope scope, std::string_view key) {
  const Option* elsewhere = nullptr;
  for (const Option& option : options()) {
    if (option.pgbouncer != key) continue;
    if (option.scope == scope) return &option;
    if (elsewhere == nullptr) elsewhere = &option;
  }
  return elsewhere;
}

/// A key that is right, but stands in the wrong section: `pool_size` or `size` at the top for `pool.size`.
std::optional<std::string> find_elsewhere(Scope scope, std::string_view prefix, const std::string& key) {
  std::vector<std::string> keys;
  for (const Option& option : options()) {
    if (option.scope != scope) continue;
    const auto dot = option.key.rfind('.');
    if (dot != std::string::npos && option.key.substr(dot + 1) == key) return option.key;
    if (dot != std::string::npos || !prefix.empty()) keys.push_back(option.key);
  }
  return nearest(key, keys);
}

}  // namespace

std::string explain_unknown_key(Scope scope, std::string_view prefix, const std::string& key,
                                std::string_view path) {
  const std::vector<std::string> allowed = keys_under(scope, prefix);
  std::string meant;
  if (const Option* option = find_pgbouncer_name(scope, key)) {
    meant = fmt::format("; PgBouncer's {} is {} here", key, option->key);
  } else if (const auto near = nearest(key, allowed)) {
    meant = fmt::format("; did you mean {}?", in_quotes(*near));
  } else if (const auto elsewhere = find_elsewhere(scope, prefix, key)) {
    meant = fmt::format("; did you mean {}?", *elsewhere);
  }
  return fmt::format("the key {} does not exist{}{} (allowed: {})", in_quotes(key),
                     path.empty() ? "" : fmt::format(" in {}", path), meant, joined(allowed));
}

void read_document(const Node& root, Settings& settings, const std::filesystem::path& base, Places& places,
                   std::vector<Problem>& problems) {
  Reader reader(base, places, problems);
  reader.read_mapping(root, reader.root(settings));
}

}  // namespace forebay::config
