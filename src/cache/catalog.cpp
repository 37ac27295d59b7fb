#include "cache/catalog.hpp"

#include <fmt/format.h>

#include "cache/catalog_graph.hpp"
#include "cache/catalog_question.hpp"

namespace forebay::cache {

std::string_view Catalog::fingerprint_question() {
  return catalog_fingerprint_question();
}

std::string_view Catalog::question() {
  return catalog_question();
}

std::string_view Catalog::outbox_triggers() {
  return cache::outbox_triggers();
}

std::shared_ptr<const Catalog> Catalog::make(const std::vector<wire::Row>& rows, const Intern& intern,
                                             Level level) {
  auto catalog = std::make_shared<Catalog>();
  CatalogGraph graph(catalog->vocabulary_, level);
  for (const wire::Row& row : rows) {
    if (!catalog->vocabulary_.add(row) && !graph.add(row)) {
      catalog->vocabulary_.refuse_everything("the server's catalog was not understood");
    }
  }
  catalog->relations_ = graph.names(intern);
  return catalog;
}

Catalog::Judgement Catalog::judge(const sql::ReadShape& shape) const {
  Judgement judgement;
  judgement.refusal = shape.refusal.empty() ? vocabulary_.refusal(shape) : shape.refusal;
  for (const auto& name : shape.relations) {
    if (!judgement.refusal.empty()) break;
    const Named* named = find(name);
    if (named == nullptr) {
      judgement.refusal = fmt::format("there is no relation {}", name);
    } else if (!named->refusal.empty()) {
      judgement.refusal = named->refusal;
    } else if (named->has_times && vocabulary_.turns_times_to_zones(shape)) {
      judgement.refusal = fmt::format("AT TIME ZONE may make a time of day in {} depend on the day", name);
    }
    judgement.relations.push_back(named);
  }
  if (!judgement.refusal.empty()) judgement.relations.clear();
  return judgement;
}

const Catalog::Named* Catalog::find(std::string_view name) const {
  const auto found = relations_.find(name);
  return found != relations_.end() ? &found->second : nullptr;
}

}  // namespace forebay::cache
