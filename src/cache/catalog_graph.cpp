#include "cache/catalog_graph.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <fmt/format.h>

namespace forebay::cache {
namespace {

/// `type` is the number of one of PostgreSQL's own types, see catalog_question.cpp.
KeyKind key_kind(std::string_view type) {
  if (type == "20" || type == "21" || type == "23") return KeyKind::integer;
  if (type == "25" || type == "1043") return KeyKind::text;
  return type == "2950" ? KeyKind::uuid : KeyKind::none;
}

}  // namespace

bool CatalogGraph::add(const wire::Row& row) {
  if (row.size() < 8 || !row[0] || !row[1] || !row[2]) return false;
  if (*row[0] == "relation") return add_relation(row);
  const bool is_cascade = *row[0] == "cascade" && row[3] && !row[3]->empty();
  if (*row[0] != "child" && !is_cascade) return false;
  edges_.push_back({*row[1], *row[2], is_cascade ? *row[3] : std::string()});
  return true;
}

bool CatalogGraph::add_relation(const wire::Row& row) {
  if (!row[3] || !row[4] || row[4]->size() < 2) return false;
  Node node;
  node.name = *row[2];
  node.qualified = *row[3];
  node.marks = *row[4];
  if (row[5] && row[6]) {
    const KeyKind kind = key_kind(*row[6]);
    if (kind != KeyKind::none) node.key = {kind, *row[5]};
  }
  if (row[7]) {
    node.definition = sql::read_shape(*row[7]);
    const auto literals = sql::literals_of(*row[7]);
    if (std::any_of(literals.begin(), literals.end(), sql::speaks_of_today)) {
      node.definition.refusal = "it speaks of now or today";
    }
  } else if (node.kind() == 'v') {
    node.definition.refusal = "its definition is not known";
  }
  if (!by_oid_.emplace(*row[1], nodes_.size()).second) return false;
  by_name_[node.name].push_back(nodes_.size());
  nodes_.push_back(std::move(node));
  return true;
}

/// Edges whose ends are not known lead to indexes and to temporary relations.
void CatalogGraph::connect() {
  for (const Edge& edge : edges_) {
    const auto from = by_oid_.find(edge.from);
    const auto to = by_oid_.find(edge.to);
    if (from == by_oid_.end() || to == by_oid_.end()) continue;
    Node& source = nodes_[from->second];
    if (edge.marks.empty()) {
      source.children.push_back(to->second);
      nodes_[to->second].parents.push_back(from->second);
    }
    if (edge.marks.find('d') != edge.marks.npos) source.removed_with.push_back(to->second);
    if (edge.marks.find('u') != edge.marks.npos) source.updated_with.push_back(to->second);
  }
}

std::map<std::string, Catalog::Named, std::less<>> CatalogGraph::names(const Catalog::Intern& intern) {
  connect();
  for (Node& node : nodes_) {
    if (!node.children.empty() || !node.parents.empty()) node.key = {};
    if (node.is_stored()) {
      node.relation = intern(node.qualified);
      if (node.relation != nullptr) node.relation->set_key(node.key);
    }
    node.refusal = refusal_of(node);
  }
  std::map<std::string, Catalog::Named, std::less<>> all;
  for (const auto& [name, same_name] : by_name_) all.emplace(name, named(same_name));
  return all;
}

std::string CatalogGraph::refusal_of(const Node& node) const {
  const auto because = [&node](std::string_view why) { return fmt::format("{} {}", node.qualified, why); };
  if (node.has('s')) return because("belongs to the system");
  if (node.marks[1] != 'p') return because("is unlogged: its changes are not in the change stream");
  if (node.has('r')) return because("has row-level security");
  if (node.has('a')) return because("has another access method than heap: its changes may not be told");
  if (node.has('z')) return because("has a column of type timetz, whose input depends on the day");
  switch (node.kind()) {
    case 'r':
    case 'p':
      if (level_ == Level::outbox && !node.has('o')) return because("has no trigger for the outbox");
      if (level_ == Level::outbox && node.has('l')) return because("is written to by a subscription");
      return node.relation != nullptr ? std::string() : because("cannot be followed in the change stream");
    case 'v': {
      const std::string why = view_refusal(node);
      return why.empty() ? why : because("is a view that cannot be kept: " + why);
    }
    case 'f':
      return because("is a foreign table");
    case 'm':
      return because("is a materialized view: its refresh is not in the change stream");
    case 'S':
      return because("is a sequence");
    default:
      return because("is of a kind that is not known");
  }
}

std::string CatalogGraph::view_refusal(const Node& node) const {
  const sql::ReadShape& definition = node.definition;
  if (!definition.refusal.empty()) return definition.refusal;
  for (const auto& name : definition.relations) {
    if (!by_name_.contains(name)) return fmt::format("there is no relation {}", name);
  }
  return vocabulary_.refusal(definition);
}

template <typename Next>
std::vector<CatalogGraph::Index> CatalogGraph::closure(std::vector<Index> from, const Next& next) const {
  std::vector<bool> seen(nodes_.size());
  for (const Index index : from) seen[index] = true;
  for (Index at = 0; at < from.size(); ++at) {
    next(nodes_[from[at]], [&](const std::vector<Index>& more) {
      for (const Index index : more) {
        if (!seen[index]) from.push_back(index);
        seen[index] = true;
      }
    });
  }
  return from;
}

std::vector<CatalogGraph::Index> CatalogGraph::with_ancestors(std::vector<Index> nodes) const {
  return closure(std::move(nodes), [](const Node& node, const auto& add) { add(node.parents); });
}

std::vector<CatalogGraph::Index> CatalogGraph::read_by(const std::vector<Index>& same_name) const {
  return with_ancestors(closure(same_name, [this](const Node& node, const auto& add) {
    add(node.children);
    for (const auto& name : node.definition.relations) {
      if (const auto found = by_name_.find(name); found != by_name_.end()) add(found->second);
    }
  }));
}

std::vector<CatalogGraph::Index> CatalogGraph::written_with(const std::vector<Index>& same_name,
                                                            Write write) const {
  return closure(same_name, [write](const Node& node, const auto& add) {
    add(node.children);
    add(node.updated_with);
    if (removes(node, write)) add(node.removed_with);
  });
}

/// An update that moves a row from one partition to another deletes it there.
bool CatalogGraph::removes(const Node& node, Write write) {
  return write == Write::any || !node.children.empty() || !node.parents.empty();
}

Catalog::Reach CatalogGraph::reach(const std::vector<Index>& same_name, Write write) const {
  Catalog::Reach reach;
  const auto leads_back = [&](const std::vector<Index>& next) {
    return std::any_of(next.begin(), next.end(), [&](Index index) {
      return std::find(same_name.begin(), same_name.end(), index) != same_name.end();
    });
  };
  for (const Index index : written_with(same_name, write)) {
    const Node& node = nodes_[index];
    reach.relations.push_back(node.relation);
    reach.leads_back |=
        leads_back(node.updated_with) || (removes(node, write) && leads_back(node.removed_with));
  }
  return reach;
}

Catalog::Named CatalogGraph::named(const std::vector<Index>& same_name) const {
  Catalog::Named named;
  const std::vector<Index> reads = read_by(same_name);
  for (const Index index : reads) {
    const Node& node = nodes_[index];
    if (named.refusal.empty()) named.refusal = node.refusal;
    if (node.relation != nullptr) named.reads.push_back(node.relation);
    named.has_times = named.has_times || node.has('t') || vocabulary_.makes_times(node.definition);
  }
  if (named.refusal.empty() && named.has_times && turns_times_to_zones(reads)) {
    named.refusal = "a view on it makes a time of day depend on the day";
  }
  if (!named.refusal.empty()) named.reads.clear();
  if (named.refusal.empty()) std::tie(named.key_kind, named.key_column) = common_key(same_name);

  named.connects_rows =
      std::any_of(same_name.begin(), same_name.end(), [this](Index index) { return nodes_[index].has('m'); });
  const std::vector<Index> on_the_way = with_ancestors(written_with(same_name, Write::any));
  named.writes_known = std::all_of(on_the_way.begin(), on_the_way.end(), [this](Index index) {
    return nodes_[index].is_stored() && !nodes_[index].has('w') && nodes_[index].relation != nullptr;
  });
  if (!named.writes_known) return named;
  named.writes = reach(same_name, Write::any);
  named.updates = reach(same_name, Write::update);
  return named;
}

std::pair<KeyKind, std::string> CatalogGraph::common_key(const std::vector<Index>& same_name) const {
  if (vocabulary_.keys_compare_otherwise()) return {};
  const RelationKey& first = nodes_[same_name.front()].key;
  const bool all = std::all_of(same_name.begin(), same_name.end(),
                               [&](Index index) { return nodes_[index].key == first; });
  if (!all) return {};
  return {first.kind, first.column};
}

bool CatalogGraph::turns_times_to_zones(const std::vector<Index>& nodes) const {
  return std::any_of(nodes.begin(), nodes.end(), [this](Index index) {
    return vocabulary_.turns_times_to_zones(nodes_[index].definition);
  });
}

}  // namespace forebay::cache
