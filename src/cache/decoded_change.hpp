#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What PostgreSQL's output plugin test_decoding prints, one message of the replication stream at a time. See
/// https://www.postgresql.org/docs/15/test-decoding.html; the form is that of contrib/test_decoding in
/// PostgreSQL 15 with include-xids on, include-timestamp off and quote_all_identifiers off.
///
/// Everything is read strictly from the left, so that names and values can hold anything at all. The views
/// point into the line that was given.
namespace forebay::cache {

enum class ChangeKind : std::uint8_t { begin, commit, insert, update, remove, truncate, message };

struct DecodedChange {
  ChangeKind kind{};
  std::uint32_t transaction = 0;  ///< of begin and commit
  /// Of insert, update, remove: schema.table as it is printed. Of truncate: one or more, for next_relation().
  std::string_view relations{};
  std::string_view row{};      ///< of insert, update, remove: for touched_keys()
  std::string_view prefix{};   ///< of message
  std::string_view content{};  ///< of message
};

/// Empty when the line is not of this form.
std::optional<DecodedChange> parse_decoded_change(std::string_view line);

/// Takes the first name off the list of a truncate; empty when none is left.
std::string_view next_relation(std::string_view& relations);

/// A value that is not null, as it is printed.
struct PrintedValue {
  std::string_view text;        ///< without the quotes around it
  bool quotes_doubled = false;  ///< quotes within it are still doubled

  /// The value itself; `buffer` is used where it differs from `text`, and must outlive the result.
  std::string_view plain(std::string& buffer) const;
};

/// The values that a key column had before and has after a change; one when it was not changed.
class TouchedKeys {
 public:
  void add(PrintedValue value) { values_[count_++] = value; }
  /// None when they are not known: the row or the column is not printed, or the value is null.
  std::span<const PrintedValue> values() const { return {values_.data(), count_}; }

 private:
  std::array<PrintedValue, 2> values_;
  std::size_t count_ = 0;
};

/// `column` is the column's name without quotes. It must be all of the relation's replica identity, else an
/// UPDATE could change it without saying so. Empty when the row is not of the form above; what stands behind
/// the column in question is not looked at.
std::optional<TouchedKeys> touched_keys(const DecodedChange& change, std::string_view column);

}  // namespace forebay::cache
