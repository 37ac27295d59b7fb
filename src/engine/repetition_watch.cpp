#include "engine/repetition_watch.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/bytes.hpp"

namespace forebay::engine {

namespace {

constexpr std::uint32_t kNull = 0xFFFF'FFFF;
/// More statements that repeat in one window are not looked at.
constexpr std::size_t kMostMatches = 256;
/// What a RowDescription says of a column behind its name.
constexpr std::size_t kColumnFacts = 18;

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  return load_u32(as_bytes(bytes).data() + at);
}

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return load_u16(as_bytes(bytes).data() + at);
}

}  // namespace

/// https://www.postgresql.org/docs/15/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-ROWDESCRIPTION
void RepetitionWatch::note_columns(std::string_view body) {
  told_.clear();
  if (body.size() < 2) return;
  body.remove_prefix(2);
  std::string_view name;
  while (told_.size() < kMostColumns && take_cstring(body, name) && body.size() >= kColumnFacts) {
    told_.push_back({std::string(name), u32_at(body, 6), u16_at(body, 16) == 1});
    body.remove_prefix(kColumnFacts);
  }
}

const RepetitionWatch::Result* RepetitionWatch::find_result(std::uint64_t statement) const {
  const auto at = std::ranges::find(results_, statement, &Result::statement);
  return at == results_.end() ? nullptr : &*at;
}

RepetitionWatch::Result& RepetitionWatch::result_of(std::uint64_t statement) {
  auto at = std::ranges::find(results_, statement, &Result::statement);
  if (at == results_.end() && results_.size() < kMostStatements) {
    at = results_.emplace(at);
  } else if (at == results_.end()) {
    at = std::ranges::min_element(results_, {}, &Result::used_at);
    std::erase_if(matches_, [gone = at->statement](const Match& match) { return match.source == gone; });
    *at = {};
  }
  at->statement = statement;
  at->used_at = ++clock_;
  return *at;
}

ValueHash RepetitionWatch::hash_in(const Result& result, std::size_t column, std::string_view bytes) const {
  if (column >= result.columns.size()) return value_hash(bytes);
  return value_hash(bytes, result.columns[column].is_binary, result.columns[column].type);
}

void RepetitionWatch::note_value(Result& result, std::size_t column, ValueHash hash) {
  if (result.values.size() >= kMostValues && !result.values.contains(hash)) return;
  std::uint16_t& columns = result.values[hash];
  const auto bit = static_cast<std::uint16_t>(1U << column);
  if ((columns & bit) == 0) ++result.different_in_column[column];
  columns |= bit;
}

void RepetitionWatch::note_row(std::uint64_t statement, std::string_view body) {
  Result& result = result_of(statement);
  if (!told_.empty()) result.columns = std::exchange(told_, {});
  if (body.size() < 2) return;
  const std::size_t columns = std::min<std::size_t>(u16_at(body, 0), kMostColumns);
  body.remove_prefix(2);
  for (std::size_t column = 0; column < columns && body.size() >= 4; ++column) {
    const std::uint32_t size = u32_at(body, 0);
    body.remove_prefix(4);
    if (size == kNull) continue;
    if (size > body.size()) return;
    if (size > 0) note_value(result, column, hash_in(result, column, body.substr(0, size)));
    body.remove_prefix(size);
  }
}

void RepetitionWatch::note_done(std::uint64_t statement) {
  const auto at = std::ranges::find(results_, statement, &Result::statement);
  if (at != results_.end()) ++at->executions;
  told_.clear();
}

RepetitionWatch::Parameter& RepetitionWatch::parameter_of(std::uint64_t statement, std::size_t number) {
  for (Parameter& parameter : parameters_) {
    if (parameter.statement == statement && parameter.number == number) return parameter;
  }
  return parameters_.emplace_back(Parameter{statement, number});
}

void RepetitionWatch::match(std::uint64_t statement, std::size_t number, const Result& result,
                            ValueHash hash) {
  const auto value = result.values.find(hash);
  if (value == result.values.end()) return;
  auto at = std::ranges::find_if(matches_, [&](const Match& match) {
    return match.statement == statement && match.parameter == number && match.source == result.statement;
  });
  if (at == matches_.end()) {
    if (matches_.size() >= kMostMatches) return;
    at = matches_.insert(at, {statement, number, result.statement});
  }
  for (std::size_t column = 0; column < kMostColumns; ++column)
    at->found[column] += value->second >> column & 1U;
}

void RepetitionWatch::note_execution(std::uint64_t statement, const std::vector<ValueHash>& parameters) {
  for (std::size_t number = 0; number < std::min(parameters.size(), kMostParameters); ++number) {
    const ValueHash hash = parameters[number];
    Parameter& parameter = parameter_of(statement, number);
    ++parameter.executions;
    if (hash != std::exchange(parameter.last, hash)) ++parameter.changes;
    for (const Result& result : results_) {
      if (hash != 0 && result.statement != statement) match(statement, number, result, hash);
    }
  }
}

std::uint32_t RepetitionWatch::executions_of(std::uint64_t statement) const {
  const auto at = std::ranges::find(parameters_, statement, &Parameter::statement);
  return at == parameters_.end() ? 0 : at->executions;
}

/// Small numbers stand in many columns: of those that show as much, the one that shows least beside; of equal
/// ones the latest result's.
std::optional<RepetitionWatch::Source> RepetitionWatch::source_of(std::uint64_t statement,
                                                                  bool is_strict) const {
  constexpr std::uint32_t kFewest = 3;
  std::optional<Source> best;
  std::tuple<std::uint32_t, std::int64_t, std::uint32_t> best_score{};
  for (const Match& match : matches_) {
    const Result* result = find_result(match.source);
    if (match.statement != statement || result == nullptr) continue;
    const auto parameter = std::ranges::find_if(parameters_, [&](const Parameter& each) {
      return each.statement == statement && each.number == match.parameter;
    });
    if (parameter->executions < kFewest || parameter->changes < kFewest) continue;
    if (is_strict && result->executions * 2 > parameter->executions) continue;
    for (std::size_t column = 0; column < kMostColumns; ++column) {
      if (match.found[column] * 4 < parameter->executions * 3) continue;
      const std::tuple score(match.found[column], -std::int64_t{result->different_in_column[column]},
                             result->used_at);
      if (best && score <= best_score) continue;
      best_score = score;
      best = {match.source,
              column < result->columns.size() ? result->columns[column].name : std::to_string(column + 1),
              match.parameter};
    }
  }
  return best;
}

}  // namespace forebay::engine
