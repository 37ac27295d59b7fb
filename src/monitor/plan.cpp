#include "monitor/plan.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "monitor/reading.hpp"
#include "sql/without_values.hpp"

namespace forebay::monitor {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostNodes = 200;
/// Of its JSON: a list and an object for each node, if each is below another one, and what is around them.
constexpr std::size_t kDeepest = 2 * kMostNodes + 8;
constexpr std::size_t kLargest = 64 * 1024;
constexpr std::size_t kLongestCondition = 1'000;

/// What is kept of a node:
/// https://git.postgresql.org/gitweb/?p=postgresql.git;a=blob;f=src/backend/commands/explain.c
constexpr std::array<std::string_view, 43> kKept = {"Node Type",
                                                    "Parent Relationship",
                                                    "Subplan Name",
                                                    "Join Type",
                                                    "Strategy",
                                                    "Partial Mode",
                                                    "Operation",
                                                    "Index Name",
                                                    "Schema",
                                                    "Relation Name",
                                                    "Alias",
                                                    "CTE Name",
                                                    "Function Name",
                                                    "Startup Cost",
                                                    "Total Cost",
                                                    "Plan Rows",
                                                    "Plan Width",
                                                    "Workers Planned",
                                                    "Workers Launched",
                                                    "Subplans Removed",
                                                    "Actual Startup Time",
                                                    "Actual Total Time",
                                                    "Actual Rows",
                                                    "Actual Loops",
                                                    "Rows Removed by Filter",
                                                    "Rows Removed by Index Recheck",
                                                    "Rows Removed by Join Filter",
                                                    "Sort Method",
                                                    "Sort Space Used",
                                                    "Sort Space Type",
                                                    "Hash Batches",
                                                    "Peak Memory Usage",
                                                    "Disk Usage",
                                                    "HashAgg Batches",
                                                    "Heap Fetches",
                                                    "Shared Hit Blocks",
                                                    "Shared Read Blocks",
                                                    "Shared Dirtied Blocks",
                                                    "Shared Written Blocks",
                                                    "Temp Read Blocks",
                                                    "Temp Written Blocks",
                                                    "Scan Direction",
                                                    "Inner Unique"};
/// Texts, or lists of them, which may hold constants of views, indexes and functions.
constexpr std::array<std::string_view, 12> kConditions = {
    "Filter",          "Index Cond", "Recheck Cond",    "Hash Cond", "Merge Cond",    "Join Filter",
    "One-Time Filter", "TID Cond",   "Conflict Filter", "Sort Key",  "Presorted Key", "Group Key"};

std::string key_of(std::string_view name) {
  std::string key = lower_case(name);
  std::ranges::replace_if(
      key, [](char letter) { return letter == ' ' || letter == '-'; }, '_');
  return key;
}

std::string condition(const json::string& told) {
  return sql::without_values(as_utf8({told.data(), told.size()}), kLongestCondition);
}

json::value tidy_condition(const json::value& told) {
  if (told.is_string()) return json::value(std::string_view(condition(told.get_string())));
  json::array all;
  if (told.is_array()) {
    for (const json::value& each : told.get_array()) {
      if (each.is_string()) all.push_back(json::value(std::string_view(condition(each.get_string()))));
    }
  }
  return all;
}

json::value plain(const json::value& told) {
  if (told.is_string()) return json::value(std::string_view(as_utf8(std::string_view(told.get_string()))));
  return told.is_number() || told.is_bool() ? told : json::value();
}

/// False: there are too many.
bool read_node(const json::object& told, json::object& node, std::size_t& nodes) {
  if (++nodes > kMostNodes) return false;
  for (const auto& [name, value] : told) {
    const std::string_view key(name);
    if (std::ranges::find(kKept, key) != kKept.end()) node[key_of(key)] = plain(value);
    if (std::ranges::find(kConditions, key) != kConditions.end()) node[key_of(key)] = tidy_condition(value);
  }
  json::array plans;
  for (const json::object* each : list_in(&told, "Plans")) {
    json::object child;
    if (!read_node(*each, child, nodes)) return false;
    plans.push_back(std::move(child));
  }
  if (!plans.empty()) node["plans"] = std::move(plans);
  return true;
}

std::string relation_of(const json::object& node) {
  std::string relation(text_in(node, "relation_name"));
  if (relation.empty()) relation = text_in(node, "cte_name");
  if (relation.empty()) relation = text_in(node, "function_name");
  const std::string_view alias = text_in(node, "alias");
  if (!relation.empty() && !alias.empty() && alias != relation) relation += fmt::format(" ({})", alias);
  return relation;
}

/// Without what it is done to.
std::string way_of(const json::object& node) {
  std::string way(text_in(node, "node_type"));
  for (const auto key : {"strategy", "join_type", "partial_mode"}) {
    const std::string_view value = text_in(node, key);
    if (!value.empty() && value != "Inner" && value != "Simple" && value != "Plain")
      way += fmt::format(" {}", value);
  }
  if (const std::string_view index = text_in(node, "index_name"); !index.empty())
    way += fmt::format(" using {}", index);
  return way;
}

void write_shape(const json::object& node, std::string& shape) {
  shape += fmt::format("({}|{}|{}|{}", way_of(node), text_in(node, "schema"), relation_of(node),
                       text_in(node, "subplan_name"));
  for (const json::object* each : below(node)) write_shape(*each, shape);
  shape += ')';
}

/// How each relation is reached, and how often everything else is done.
struct Ways {
  std::map<std::string, std::vector<std::string>> relations;
  std::map<std::string, int> others;
};

/// `index`: of a bitmap scan, which is told of in the node below it.
std::string bitmap_indexes(const json::object& node) {
  std::string names;
  for (const json::object* each : below(node)) {
    const std::string name(text_in(*each, "index_name"));
    const std::string found = name.empty() ? bitmap_indexes(*each) : name;
    if (!found.empty()) names += (names.empty() ? "" : ", ") + found;
  }
  return names;
}

void collect(const json::object& node, Ways& ways) {
  const std::string relation = relation_of(node);
  const std::string_view type = text_in(node, "node_type");
  if (type == "Bitmap Heap Scan") {
    ways.relations[relation].push_back(fmt::format("{} using {}", type, bitmap_indexes(node)));
    return;
  }
  relation.empty() ? static_cast<void>(++ways.others[way_of(node)])
                   : ways.relations[relation].push_back(way_of(node));
  for (const json::object* each : below(node)) collect(*each, ways);
}

std::string joined(const std::vector<std::string>& ways) {
  return fmt::format("{}", fmt::join(ways, " and "));
}

}  // namespace

std::vector<const json::object*> below(const json::object& node) {
  return list_in(&node, "plans");
}

json::value parse_plan(std::string_view text, json::error_code& error) {
  json::parse_options options;
  options.allow_invalid_utf8 = true;
  options.max_depth = kDeepest;
  return json::parse({text.data(), text.size()}, error, {}, options);
}

Result<Plan> read_plan(std::string_view answer) {
  json::error_code error;
  const json::value value = parse_plan(answer, error);
  const bool has_one =
      !error && value.is_array() && value.get_array().size() == 1 && value.get_array().front().is_object();
  const json::object* const told = has_one ? &value.get_array().front().get_object() : nullptr;
  const json::value* const top = has_one ? told->if_contains("Plan") : nullptr;
  if (top == nullptr || !top->is_object())
    return Error{ErrorCode::invalid_input, "the server's answer holds no plan"};
  Plan plan;
  std::size_t nodes = 0;
  if (!read_node(top->get_object(), plan.root, nodes))
    return Error{ErrorCode::invalid_input,
                 fmt::format("the plan has more than {} steps, and is not kept", kMostNodes)};
  if (json::serialize(plan.root).size() > kLargest)
    return Error{ErrorCode::invalid_input,
                 fmt::format("the plan has more than {} bytes, and is not kept", kLargest)};
  plan.total_cost = number_in(&plan.root, "total_cost").value_or(0);
  plan.planning_ms = number_in(told, "Planning Time").value_or(0);
  plan.execution_ms = number_in(told, "Execution Time").value_or(0);
  return plan;
}

std::string shape_of(const json::object& root) {
  std::string shape;
  write_shape(root, shape);
  return shape;
}

std::vector<std::string> plan_changes(const json::object& before, const json::object& after) {
  std::vector<std::string> changes;
  if (shape_of(before) == shape_of(after)) return changes;
  Ways old_ways;
  Ways new_ways;
  collect(before, old_ways);
  collect(after, new_ways);
  for (const auto& [relation, ways] : old_ways.relations) {
    const auto at = new_ways.relations.find(relation);
    if (at == new_ways.relations.end()) {
      changes.push_back(fmt::format("{} on {} went", joined(ways), relation));
    } else if (at->second != ways) {
      changes.push_back(fmt::format("{} on {} became {}", joined(ways), relation, joined(at->second)));
    }
  }
  for (const auto& [relation, ways] : new_ways.relations) {
    if (!old_ways.relations.contains(relation))
      changes.push_back(fmt::format("{} on {} came", joined(ways), relation));
  }
  for (const auto& [way, count] : old_ways.others) {
    const auto at = new_ways.others.find(way);
    if (at == new_ways.others.end() || at->second < count) changes.push_back(fmt::format("{} went", way));
  }
  for (const auto& [way, count] : new_ways.others) {
    const auto at = old_ways.others.find(way);
    if (at == old_ways.others.end() || at->second < count) changes.push_back(fmt::format("{} came", way));
  }
  if (changes.empty()) changes.emplace_back("the same steps in another order");
  return changes;
}

}  // namespace forebay::monitor
