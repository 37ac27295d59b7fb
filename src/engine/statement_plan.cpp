#include "engine/statement_plan.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/ascii.hpp"
#include "engine/value_text.hpp"
#include "sql/read_shape.hpp"
#include "sql/scan.hpp"
#include "sql/without_values.hpp"
#include "sql/write_shape.hpp"

namespace forebay::engine {

namespace {

/// timetz depends on the day, reg… on the catalog (catalog/pg_type.dat); what users have made, on anything.
constexpr std::uint32_t kUnsteady[] = {1266, 24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191};
constexpr std::uint32_t kFirstOfUsers = 16384;  // FirstNormalObjectId, access/transam.h

constexpr int kMostValues = 512;

bool is_unsteady(std::uint32_t type) {
  return type >= kFirstOfUsers || std::ranges::find(kUnsteady, type) != std::end(kUnsteady);
}

using cache::KeyKind;

/// The value as the change stream would print it. A type of another kind could compare differently.
std::string_view key_text(KeyKind kind, const BoundValue& value, std::string& buffer) {
  switch (kind) {
    case KeyKind::integer:
      if (value.type != 0 && value.type != kInt2Type && value.type != kInt4Type && value.type != kInt8Type)
        return {};
      return value.binary ? integer_text(value.bytes, buffer) : value.bytes;
    case KeyKind::text:
      return value.type == 0 || value.type == kTextType || value.type == kVarcharType ? value.bytes
                                                                                      : std::string_view();
    case KeyKind::uuid:
      if (value.type != 0 && value.type != kUuidType) return {};
      return value.binary ? uuid_text(value.bytes, buffer) : value.bytes;
    case KeyKind::none:
      break;
  }
  return {};
}

/// A literal's value where it needs no decoding; empty otherwise. A number is the text that it looks like
/// only where it stays a number.
std::string_view plain_literal(KeyKind kind, std::string_view literal) {
  if (literal.size() >= 2 && literal.front() == '\'' && literal.back() == '\'') {
    literal = literal.substr(1, literal.size() - 2);
    return literal.find_first_of("'\\") == std::string_view::npos ? literal : std::string_view();
  }
  const bool is_number = !literal.empty() && is_digit(literal.front());
  return is_number && kind == KeyKind::integer ? literal : std::string_view();
}

/// The rows of `named` with the key that one of `keys` gives; nothing when they cannot be told apart so.
std::optional<StatementPlan::Rows> rows_by_key(const cache::Catalog::Named& named, std::string_view name,
                                               const std::vector<sql::KeyPredicate>& keys) {
  if (named.key_kind == KeyKind::none || named.reads.size() != 1) return std::nullopt;
  const auto key = std::ranges::find_if(keys, [&](const sql::KeyPredicate& predicate) {
    return predicate.relation == name && predicate.column == named.key_column;
  });
  if (key == keys.end()) return std::nullopt;
  return StatementPlan::Rows{named.reads.front(), named.key_kind, key->parameter, key->literal};
}

/// Nothing when it is no plain write, or may change more than the catalog can tell.
std::optional<StatementPlan::Write> write_of(std::string_view text, const cache::Catalog& catalog) {
  const sql::WriteShape shape = sql::write_shape(text);
  if (shape.kind == sql::WriteShape::Kind::none) return std::nullopt;
  const cache::Catalog::Named* named = catalog.find(shape.relation);
  if (named == nullptr || !named->writes_known) return std::nullopt;
  const bool removes = shape.kind == sql::WriteShape::Kind::remove;
  const cache::Catalog::Reach& reach = removes ? named->writes : named->updates;
  StatementPlan::Write write{
      .rows = {}, .relations = reach.relations, .tells_of_others = named->connects_rows};
  const bool moves = std::ranges::find(shape.assigned, named->key_column) != shape.assigned.end();
  // ON CONFLICT (key) DO UPDATE goes by any unique index of that column, which may compare otherwise.
  const bool may_hit_another = shape.kind == sql::WriteShape::Kind::insert && !shape.assigned.empty() &&
                               named->key_kind == KeyKind::text && named->connects_rows;
  if (!moves && !may_hit_another && !reach.leads_back)
    write.rows = rows_by_key(*named, shape.relation, shape.keys);
  if (write.rows) std::erase(write.relations, write.rows->relation);
  return write;
}

}  // namespace

std::string_view key_of(const StatementPlan::Rows& rows, const ReadRequest& request, std::string& buffer) {
  if (rows.key == KeyKind::none) return {};
  if (rows.parameter != 0) {
    const auto value = bound_value(request, rows.parameter);
    return value ? cache::canonical_key(rows.key, key_text(rows.key, *value, buffer)) : std::string_view();
  }
  const auto& literals = sql::scan(request.text).literals;
  const auto place = static_cast<std::size_t>(rows.literal);
  if (rows.literal < 0 || place >= literals.size()) return {};
  const std::string_view literal = request.text.substr(literals[place].offset, literals[place].size);
  return cache::canonical_key(rows.key, plain_literal(rows.key, literal));
}

std::shared_ptr<const StatementPlan> StatementPlan::make(std::string_view text,
                                                         const sql::Fingerprint& fingerprint,
                                                         const cache::Catalog& catalog,
                                                         std::uint64_t catalog_number) {
  auto plan = std::make_shared<StatementPlan>();
  plan->catalog = catalog_number;
  plan->text = fingerprint;
  const sql::ReadShape shape = sql::read_shape(text);
  plan->refusal = shape.refusal;
  if (!plan->refusal.empty()) {
    plan->write = write_of(text, catalog);
    return plan;
  }
  cache::Catalog::Judgement judgement = catalog.judge(shape);
  plan->refusal = std::move(judgement.refusal);
  if (!plan->refusal.empty()) return plan;
  plan->told = sql::fingerprint(sql::without_values(text, std::string::npos));
  plan->names = shape.relations;
  for (std::size_t i = 0; i < judgement.relations.size(); ++i) {
    const cache::Catalog::Named& named = *judgement.relations[i];
    if (const auto rows = rows_by_key(named, shape.relations[i], shape.keys)) {
      plan->reads.push_back(*rows);
    } else {
      for (cache::Relation* relation : named.reads) plan->reads.push_back({.relation = relation});
    }
  }
  return plan;
}

void StatementPlan::find_dependencies(const ReadRequest& request,
                                      std::vector<cache::Dependency>& found) const {
  found.clear();
  const auto add = [&found](cache::Relation& relation, const cache::ChangeMark& mark) {
    found.push_back({&relation, &mark, mark.changes()});
  };
  std::string buffer;
  for (const Rows& read : reads) {
    const std::string_view key = key_of(read, request, buffer);
    if (key.empty()) {
      add(*read.relation, read.relation->whole());
    } else {
      // The bucket first: to ask for the first one of a relation counts as a change of unknown rows.
      add(*read.relation, read.relation->bucket(key));
      add(*read.relation, read.relation->unkeyed());
    }
  }
}

std::string_view refusal_of_values(const ReadRequest& request) {
  constexpr std::string_view kMoving = "a value such as 'now' means another moment each time";
  if (sql::has_moving_literal(request.text)) return kMoving;
  for (std::size_t at = 0; at + 4 <= request.types.size(); at += 4) {
    if (is_unsteady(load_u32(as_bytes(request.types).data() + at))) {
      return "a parameter has a type whose values mean different things at different times";
    }
  }
  const int count = bound_count(request);
  // Each is looked for from the first one on.
  if (count > kMostValues) return "it has too many parameters";
  for (int parameter = 1; parameter <= count; ++parameter) {
    const auto value = bound_value(request, parameter);
    if (value && sql::speaks_of_today(value->bytes)) return kMoving;
  }
  return {};
}

}  // namespace forebay::engine
