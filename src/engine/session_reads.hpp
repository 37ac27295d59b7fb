#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backend/backend.hpp"
#include "backend/profile.hpp"
#include "backend/session_settings.hpp"
#include "engine/cache_directory.hpp"
#include "engine/database_cache.hpp"
#include "engine/fill.hpp"
#include "sql/verdict.hpp"

namespace forebay::engine {

/// A session's dealings with the cache: asking it, filling it, and telling it of the session's own writes
/// before the client hears that they are done. Used by the session's thread.
class SessionReads {
 public:
  SessionReads(std::shared_ptr<DatabaseCache> cache, std::string_view user, const backend::Profile& profile);

  /// The kept result of `request`, which may be sent now. Without one, the fill of it has begun when its result
  /// can be kept; the request then goes to the server.
  cache::EntryPtr ask(const ReadRequest& request, const backend::SessionSettingsPtr& settings);

  /// Whether `request` could be answered from memory, now or later, were the client not held. Not again before
  /// a pause, so that looks in vain are few.
  bool is_worth_a_look(const ReadRequest& request);

  bool is_filling() const { return fill_.has_value(); }
  /// What the client gets while is_filling().
  void fill(Bytes bytes, const backend::Backend& backend);
  void abandon_fill() { fill_.reset(); }

  /// A statement that is about to be sent may write.
  void note_writes(const sql::Verdict& verdict, sql::Effects effects);
  /// So may one of which nothing is known.
  void note_unknown_writes() { writes_.anything = true; }
  /// Whether the client may be told, by bytes that are about to be sent to it, of writes that are done.
  bool has_writes() const { return writes_.anything || writes_.schema || !writes_.relations.empty(); }
  /// Called before such bytes are sent.
  void announce_writes();
  /// The database is about to be dropped or copied; blocks for some milliseconds.
  void let_go_of_database(const std::string& name) { cache_->directory().let_go(name); }
  /// The transaction is over, and the client has been told.
  void forget_writes() { writes_ = {}; }

 private:
  struct Writes {
    bool anything = false;
    bool schema = false;
    std::vector<cache::Relation*> relations;
  };

  cache::Key key_of(const ReadRequest& request, const backend::SessionSettingsPtr& settings);
  void update_context(const backend::SessionSettingsPtr& settings);
  void begin_fill(const ReadRequest& request, const cache::Key& key, TimePoint now);

  const std::shared_ptr<DatabaseCache> cache_;
  const std::string origin_;  ///< database, user and profile
  std::string context_;       ///< with the settings
  backend::SessionSettingsPtr context_settings_;
  std::optional<Fill> fill_;
  TimePoint looked_at_{};
  Writes writes_;
};

}  // namespace forebay::engine
