#include <map>
#include <memory>

#include "cache/catalog.hpp"
#include "cache/relation.hpp"
#include "input.hpp"
#include "sql/read_shape.hpp"

/// Rows of the question for the catalog, then a statement to judge. Relations that it is said to depend on
/// are known ones.
namespace {

using namespace forebay;
using fuzz::expect;
using fuzz::Input;

/// Columns that are empty stand for NULL, since no column of the question is.
wire::Row made_up_row(Input& input) {
  wire::Row row;
  for (std::size_t columns = input.below(10); columns > 0; --columns) {
    const std::string_view column = input.piece();
    row.push_back(column.empty() ? std::nullopt : std::optional<std::string>(column));
  }
  return row;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  const std::string_view statement = input.piece();
  std::vector<wire::Row> rows;
  while (!input.empty()) rows.push_back(made_up_row(input));
  std::map<std::string, std::unique_ptr<cache::Relation>, std::less<>> relations;
  const auto intern = [&relations](const std::string& name) {
    auto& relation = relations[name];
    if (relation == nullptr) relation = std::make_unique<cache::Relation>(name);
    return relation.get();
  };
  const auto catalog = cache::Catalog::make(rows, intern, cache::Level::bounded);
  const sql::ReadShape shape = sql::read_shape(statement);
  const auto judgement = catalog->judge(shape);
  expect(judgement.refusal.empty() ? judgement.relations.size() == shape.relations.size()
                                   : judgement.relations.empty());
  for (const auto* named : judgement.relations) expect(named != nullptr && named->refusal.empty());
  return 0;
}
