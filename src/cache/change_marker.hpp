#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "cache/decoded_change.hpp"
#include "cache/freshness.hpp"
#include "cache/relation.hpp"

namespace forebay::cache {

/// The number that a transaction has in full, from its lower half and a number that is less than 2^31 away.
constexpr TransactionId widened(std::uint32_t transaction, TransactionId near) {
  return near + static_cast<TransactionId>(
                    std::int64_t{static_cast<std::int32_t>(transaction - static_cast<std::uint32_t>(near))});
}

/// Sets the marks of the relations that change, from what the change stream prints. One for each epoch; for
/// the change stream's thread only.
class ChangeMarker {
 public:
  /// Beyond so many rows of a relation in one transaction they are no longer told apart: to print and compare
  /// their keys would cost more than the entries are worth that it saves.
  static constexpr std::size_t kRowsByKey = 1000;

  /// `near`: the newest transaction when the stream began, or one shortly before.
  ChangeMarker(Freshness& freshness, TransactionId near) : freshness_(freshness), newest_(near) {}

  /// One message of the stream. False when it is not understood: then something may be missing, and the epoch
  /// must end.
  bool note(std::string_view line);

  /// For Catalog::make. What was printed of the relation before anybody knew it may not be visible yet, so it
  /// counts as changed by the newest transaction.
  Relation* intern(const std::string& name);
  /// While the first catalog of the epoch is made: every relation counts as changed by transactions up to
  /// this one. Those that were written before the stream's beginning, and so are not in it, may become
  /// visible only now.
  void begin_first_catalog(TransactionId newest);
  void end_first_catalog() { is_first_catalog_ = false; }

  /// A transaction of our own may come, that writes nothing but a message with this content
  /// (pg_logical_emit_message), which nobody else knows.
  void expect_message(std::string content) { expected_ = std::move(content); }
  /// How many transactions have come but for our own.
  std::uint64_t others() const { return others_; }
  /// Whether a snapshot that is taken from now on sees all of them, given that it sees every committed
  /// transaction below this one.
  bool others_are_below(TransactionId transaction) const { return newest_other_ < transaction; }
  /// Of the messages that are expected.
  static constexpr std::string_view kPrefix = "forebay";

 private:
  bool note_begin(std::uint32_t transaction);
  bool note_commit(std::uint32_t transaction);
  bool note_truncate(std::string_view relations);
  bool note_row(const DecodedChange& change);
  /// False when the row is not understood.
  bool note_by_key(Relation& relation, const DecodedChange& change);
  Relation* find(std::string_view name);

  Freshness& freshness_;
  TransactionId newest_;
  bool is_first_catalog_ = false;
  std::string expected_;  ///< empty: none
  std::uint64_t others_ = 0;
  TransactionId newest_other_ = 0;  ///< also of those that were before the stream

  // Of the transaction at hand.
  TransactionId transaction_ = 0;  ///< 0: there is none
  bool is_ours_ = false;           ///< it is the expected message's
  std::unordered_map<Relation*, std::size_t> rows_;
  /// The relation that was looked up last; a bulk load names one a million times.
  std::string last_name_;
  Relation* last_relation_ = nullptr;
};

}  // namespace forebay::cache
