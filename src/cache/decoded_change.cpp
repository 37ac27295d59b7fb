#include "cache/decoded_change.hpp"

#include <charconv>

#include "base/ascii.hpp"

namespace forebay::cache {
namespace {

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// Length of what stands between two `quote`s at the beginning, these included; 0 when there is no such
/// thing.
std::size_t quoted_length(std::string_view text, char quote) {
  if (!text.starts_with(quote)) return 0;
  for (std::size_t at = 1;;) {
    at = text.find(quote, at);
    if (at == text.npos) return 0;
    if (at + 1 == text.size() || text[at + 1] != quote) return at + 1;
    at += 2;
  }
}

/// The characters that quote_identifier() leaves without quotes; anything else is quoted.
bool is_plain_name_character(char c) {
  return (is_letter_or_digit(c) && !is_upper(c)) || c == '_';
}

std::size_t identifier_length(std::string_view text) {
  if (text.starts_with('"')) return quoted_length(text, '"');
  std::size_t length = 0;
  while (length < text.size() && is_plain_name_character(text[length])) ++length;
  return length;
}

/// Length of schema.table; 0 when there is no such thing.
std::size_t qualified_length(std::string_view text) {
  const std::size_t schema = identifier_length(text);
  if (schema == 0 || schema == text.size() || text[schema] != '.') return 0;
  const std::size_t table = identifier_length(text.substr(schema + 1));
  return table == 0 ? 0 : schema + 1 + table;
}

bool take_relations(std::string_view& text, std::string_view& relations) {
  const char* const begin = text.data();
  do {
    const std::size_t length = qualified_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  } while (take(text, ", "));
  relations = {begin, static_cast<std::size_t>(text.data() - begin)};
  return true;
}

std::optional<DecodedChange> parse_boundary(ChangeKind kind, std::string_view text) {
  DecodedChange change{.kind = kind};
  if (!take_number(text, change.transaction) || !text.empty()) return std::nullopt;
  return change;
}

std::optional<DecodedChange> parse_table(std::string_view text) {
  DecodedChange change;
  if (!take_relations(text, change.relations) || !take(text, ": ")) return std::nullopt;
  if (take(text, "TRUNCATE:")) {
    change.kind = ChangeKind::truncate;
    return change;
  }
  if (take(text, "INSERT:")) {
    change.kind = ChangeKind::insert;
  } else if (take(text, "UPDATE:")) {
    change.kind = ChangeKind::update;
  } else if (take(text, "DELETE:")) {
    change.kind = ChangeKind::remove;
  } else {
    return std::nullopt;
  }
  if (qualified_length(change.relations) != change.relations.size()) return std::nullopt;
  change.row = text;
  return change;
}

/// The prefix is printed as it is, so the first ", sz: " may belong to it; the size tells.
std::optional<DecodedChange> parse_message(std::string_view text) {
  if (!take(text, "0 prefix: ") && !take(text, "1 prefix: ")) return std::nullopt;
  constexpr std::string_view kSize = ", sz: ";
  for (std::size_t at = text.find(kSize); at != text.npos; at = text.find(kSize, at + 1)) {
    std::string_view rest = text.substr(at + kSize.size());
    std::size_t size = 0;
    if (!take_number(rest, size) || !take(rest, " content:") || rest.size() != size) continue;
    DecodedChange change{.kind = ChangeKind::message};
    change.prefix = text.substr(0, at);
    change.content = rest;
    return change;
  }
  return std::nullopt;
}

/// Takes `[type]:` off. A type's name can be quoted, and arrays have brackets of their own.
bool take_type(std::string_view& text) {
  if (!take(text, "[")) return false;
  while (!text.empty()) {
    if (text.front() == '"') {
      const std::size_t length = quoted_length(text, '"');
      if (length == 0) return false;
      text.remove_prefix(length);
    } else if (take(text, "]")) {
      return take(text, ":");
    } else if (!take(text, "[]")) {
      if (text.front() == '[') return false;
      text.remove_prefix(1);
    }
  }
  return false;
}

/// Takes a value off; `value` stays empty when it is null or not printed.
bool take_value(std::string_view& text, std::optional<PrintedValue>& value) {
  if (text.starts_with("B'")) text.remove_prefix(1);
  if (text.starts_with('\'')) {
    const std::size_t length = quoted_length(text, '\'');
    if (length == 0) return false;
    value.emplace();
    value->text = text.substr(1, length - 2);
    value->quotes_doubled = value->text.find('\'') != std::string_view::npos;
    text.remove_prefix(length);
  } else {
    const std::string_view word = text.substr(0, text.find(' '));
    if (word.empty()) return false;
    text.remove_prefix(word.size());
    if (word != "null" && word != "unchanged-toast-datum") value = PrintedValue{.text = word};
  }
  return text.empty() || text.front() == ' ';
}

/// Whether `printed`, an identifier as SQL would write it, stands for `name`.
bool names(std::string_view printed, std::string_view name) {
  if (!printed.starts_with('"')) return printed == name;
  printed = printed.substr(1, printed.size() - 2);
  for (const char c : name) {
    if (printed.empty() || printed.front() != c) return false;
    printed.remove_prefix(c == '"' ? 2 : 1);
  }
  return printed.empty();
}

/// One of the two tuples of a change.
struct Tuple {
  bool is_well_formed = true;
  std::optional<PrintedValue> value;  ///< of the column that was asked for, when it is there and not null
};

/// Reads columns off until the one in question is found, or to the end of the tuple: `end` or the end of all.
Tuple take_tuple(std::string_view& row, std::string_view column, std::string_view end, bool to_the_end) {
  Tuple tuple;
  while (!row.empty() && (end.empty() || !row.starts_with(end))) {
    if (!take(row, " ")) return {.is_well_formed = false, .value = {}};
    const std::string_view name = row.substr(0, identifier_length(row));
    row.remove_prefix(name.size());
    std::optional<PrintedValue> value;
    if (name.empty() || !take_type(row) || !take_value(row, value)) {
      return {.is_well_formed = false, .value = {}};
    }
    if (!names(name, column)) continue;
    tuple.value = value;
    if (!to_the_end) break;
  }
  return tuple;
}

}  // namespace

std::optional<DecodedChange> parse_decoded_change(std::string_view line) {
  if (take(line, "table ")) return parse_table(line);
  if (take(line, "BEGIN ")) return parse_boundary(ChangeKind::begin, line);
  if (take(line, "COMMIT ")) return parse_boundary(ChangeKind::commit, line);
  if (take(line, "message: transactional: ")) return parse_message(line);
  return std::nullopt;
}

std::string_view next_relation(std::string_view& relations) {
  const std::string_view first = relations.substr(0, qualified_length(relations));
  relations.remove_prefix(first.size());
  take(relations, ", ");
  return first;
}

std::string_view PrintedValue::plain(std::string& buffer) const {
  if (!quotes_doubled) return text;
  buffer.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    buffer += text[i];
    if (text[i] == '\'') ++i;
  }
  return buffer;
}

std::optional<TouchedKeys> touched_keys(const DecodedChange& change, std::string_view column) {
  TouchedKeys keys;
  std::string_view row = change.row;
  if (row == " (no-tuple-data)") return keys;
  if (change.kind == ChangeKind::update && take(row, " old-key:")) {
    constexpr std::string_view kNewTuple = " new-tuple:";
    const Tuple before = take_tuple(row, column, kNewTuple, true);
    if (!before.is_well_formed || !take(row, kNewTuple)) return std::nullopt;
    if (!before.value || row == " (no-tuple-data)") return keys;
    keys.add(*before.value);
  }
  const Tuple tuple = take_tuple(row, column, {}, false);
  if (!tuple.is_well_formed) return std::nullopt;
  if (!tuple.value) return TouchedKeys();
  keys.add(*tuple.value);
  return keys;
}

}  // namespace forebay::cache
