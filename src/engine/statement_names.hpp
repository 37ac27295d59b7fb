#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/ring.hpp"
#include "base/same_bytes.hpp"
#include "engine/prepared_statement.hpp"

namespace forebay::engine {

/// A change of a client's names whose outcome is open; 0 is none. Unique in the client's session.
using ChangeNumber = std::uint64_t;

/// The statements that one client has prepared through the protocol, by the client's own names. The unnamed
/// statement is the one named "".
///
/// Names change when a Parse or Close is sent, though the server decides later: after an error it skips
/// everything up to the next Sync. So each change is numbered, and finished or undone as the server answers
/// or skips it. Within one batch (up to a Sync) that is exact: if a change does not happen, then neither does
/// anything behind it. Behind the Sync a name whose change is still open is_undecided(), and has to wait.
///
/// Names count up to 63 bytes, as in PostgreSQL (NAMEDATALEN, include/pg_config_manual.h). Not thread safe.
class StatementNames {
 public:
  /// What a name stands for, once everything that was sent has happened. Null: nothing.
  const PreparedStatementPtr* find(std::string_view name) const;
  /// Whether it stands for anything, or may: a Close of it may be skipped.
  bool may_exist(std::string_view name) const;
  /// The change that made the name what it is: tells the name again, name_of().
  ChangeNumber maker(std::string_view name) const;
  std::size_t size() const { return named_.size(); }
  /// Of the statements that have names now.
  std::size_t text_bytes() const { return text_bytes_; }

  /// A Parse (or, with null, a Close) of the name has been sent. `sent`: the statement itself went to the
  /// backend as well, see is_on_its_way().
  ChangeNumber set(std::string_view name, PreparedStatementPtr statement, bool sent = false);
  /// The same for one that was answered here and is certain.
  void settle(std::string_view name, PreparedStatementPtr statement) {
    finish(set(name, std::move(statement)));
  }
  /// It has happened.
  void finish(ChangeNumber change);
  /// It has not: the server skipped it, or it `failed`. Returns the id of the statement that therefore is not
  /// on the backend, or 0.
  std::uint64_t undo(ChangeNumber change, bool failed);
  /// Everything that was sent is taken to have happened: it will be sent again.
  void settle_all();
  /// The name no longer belongs to the protocol; not a change that can be undone.
  void give_up(std::string_view name);
  void give_up_all();

  /// A Sync has been sent.
  void end_batch() { ++batch_; }
  /// What the name stands for depends on the outcome of an earlier batch.
  bool is_undecided(std::string_view name) const;
  bool any_undecided() const { return !changes_.empty() && changes_.front().batch != batch_; }

  /// A Parse of ours, under a statement's id, that the backend may refuse.
  void note_on_its_way(std::uint64_t statement) { on_their_way_.push_back({statement, batch_}); }
  void note_arrived(std::uint64_t statement);
  /// Whether the backend has it depends on the outcome of an earlier batch.
  bool is_on_its_way(std::uint64_t statement) const;

  /// More changes than these are never open at once: the owner sees to it.
  static constexpr std::size_t kMostOpen = 4096;

  /// The client's name of a statement and the statement's id, also when the name has changed since the last
  /// forget_former(); {0, ""} when it is not known.
  std::pair<std::uint64_t, std::string> name_of(ChangeNumber maker) const;
  void forget_former() { former_.clear(); }

  template <class Visitor>
  void each(Visitor visit) const {
    for (const auto& [name, entry] : named_) {
      if (entry.statement != nullptr && !name.empty()) visit(name, entry.statement);
    }
  }

 private:
  struct Entry {
    PreparedStatementPtr statement;  ///< null: closed, but that is not certain yet
    std::string spelling;            ///< the whole name when it is longer than what counts
    ChangeNumber maker = 0;
    std::uint32_t open = 0;        ///< changes whose outcome is open
    std::uint64_t last_batch = 0;  ///< of the last of them
  };
  struct Change {
    ChangeNumber number = 0;
    std::uint64_t batch = 0;
    std::string name;
    PreparedStatementPtr previous;
    ChangeNumber previous_maker = 0;
    std::uint64_t sent = 0;  ///< the statement that went to the backend with it
  };
  struct Sent {
    std::uint64_t statement = 0;
    std::uint64_t batch = 0;
  };
  struct Former {
    ChangeNumber maker;
    std::uint64_t statement;
    std::string name;
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  struct SameName {
    using is_transparent = void;
    bool operator()(std::string_view one, std::string_view other) const { return same_bytes(one, other); }
  };
  using Named = boost::unordered_flat_map<std::string, Entry, NameHash, SameName>;

  const Named::value_type* named(std::string_view name) const {
    return last_named_ != nullptr && same_bytes(last_named_->first, name) ? last_named_ : look_up(name);
  }
  const Named::value_type* look_up(std::string_view name) const;
  std::size_t place_of(ChangeNumber change);
  static std::string spelled(const std::string& name, const Entry& entry);
  void assign(const std::string& name, Entry& entry, PreparedStatementPtr statement, ChangeNumber maker);
  void drop_if_empty(Named::iterator at);

  Named named_;
  std::size_t text_bytes_ = 0;
  /// The one that was looked up last: each message of a batch speaks of it. Null after a change of named_.
  mutable const Named::value_type* last_named_ = nullptr;
  Ring<Change> changes_;  ///< in the order in which they were sent
  Ring<Sent> on_their_way_;
  std::vector<Former> former_;  ///< the server may still speak of them
  ChangeNumber last_number_ = 0;
  std::uint64_t batch_ = 0;
};

}  // namespace forebay::engine
