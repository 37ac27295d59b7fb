#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backend/backend.hpp"
#include "backend/profile.hpp"
#include "backend/session_settings.hpp"
#include "engine/cache_directory.hpp"
#include "engine/database_cache.hpp"
#include "engine/fill.hpp"
#include "engine/own_writes.hpp"
#include "engine/seen.hpp"
#include "sql/verdict.hpp"

namespace forebay::engine {

/// A session's dealings with the cache: asking it, filling it, and telling it of the session's own writes
/// before the client hears that they are done. Used by the session's thread.
class SessionReads {
 public:
  /// `pool_generation`: of the pool when `cache` was found for it. `defaults_generation`: as follow_pool()
  /// says. `refills`: nothing is answered from memory, and all is kept. `on_landing`: what ask() said to be
  /// asked for later is to be asked for now.
  SessionReads(std::shared_ptr<DatabaseCache> cache, backend::Pool& pool, std::uint64_t pool_generation,
               std::uint64_t defaults_generation, backend::ProfilePtr profile, bool refills,
               std::function<void()> on_landing);
  ~SessionReads() { stop_following(); }

  /// To be called before anything else is asked of a statement: when the pool has moved to another server, or
  /// the session has got other defaults, so does this. `defaults`: the session's generation of them.
  void follow_pool(std::uint64_t defaults) {
    if (pool_.generation() == pool_generation_ && defaults == defaults_generation_) return;
    defaults_generation_ = defaults;
    move();
  }

  /// Whether what the client has prepared means the same as its text does under its settings of now, by
  /// which entries are kept.
  bool are_as_prepared(const std::vector<ReadRequest>& batch, const backend::SessionSettingsPtr& settings);
  /// Something has changed settings unseen: nobody knows by which the client has prepared what it shares with
  /// nobody.
  void doubt_prepared();

  enum class Answer : std::uint8_t { hit, miss, later };

  /// hit: the whole `batch` may be answered now by what was `found` in memory. miss: it goes to the server;
  /// the fill of it has begun when its results can be kept. later: somebody else has asked the server for the
  /// same, and `on_landing` will tell when that is done; only if the client `may_follow`.
  Answer ask(const std::vector<ReadRequest>& batch, const backend::SessionSettingsPtr& settings,
             std::vector<cache::EntryPtr>& found, bool may_follow);
  /// What becomes of the simple query `request`, for people.
  std::vector<std::string> explain(const ReadRequest& request, const backend::SessionSettingsPtr& settings,
                                   sql::Effects effects);
  bool is_following() const { return follower_ != nullptr; }
  /// `on_landing` is not called any more.
  void stop_following();

  /// Whether `batch` could be answered from memory, now or later, were the client not held. Not again
  /// before a pause, so that looks in vain are few.
  bool is_worth_a_look(const std::vector<ReadRequest>& batch);

  bool is_filling() const { return fill_.has_value(); }
  /// False while nothing at all is kept, for want of a change stream perhaps: then ask() is in vain.
  bool may_answer() const { return cache_->freshness().epoch() != 0; }
  /// What is asked would not be kept, and is asked for nothing else.
  bool is_in_vain() const { return refills_ && !is_filling(); }
  /// What the client gets next.
  void take_answer(Bytes bytes, const backend::Backend& backend);
  /// The batch that ask() was last asked for is not answered, or not even sent.
  void abandon();
  /// Its client takes the answer slowly: nobody else is to wait for it.
  void let_followers_go() {
    if (lead_) lead_->end_with(Flights::Outcome::not_known);
    lead_.reset();
  }
  /// All of a batch has been sent: nothing that follows is what ask() was asked for.
  void end_batch() { asked_ = 0; }

  /// A statement is about to be sent that may read and write. `request`: its text and values, as far as they
  /// are known.
  void note_statement(const sql::Verdict& verdict, sql::Effects effects, const ReadRequest& request);
  /// The statement that is told of next may write to something else than what it names.
  void note_shadowed_write() { writes_.add_anything(); }
  /// Whether the statement at hand is one that ask() was asked for, and so noted.
  bool is_asked_for() const { return asked_ > 0; }
  /// Whether ask() found that the batch at the front of the input cannot be kept.
  bool is_refused() const { return is_refused_; }
  /// A message has been taken from the input.
  void note_taken() { is_refused_ = false; }
  /// As is_asked_for(), when the statement is about to be sent; to be called once for each. note_statement()
  /// and note_unknown_statement() do.
  bool was_asked_for();
  /// One of which nothing is known.
  void note_unknown_statement();
  /// The database is about to be dropped or copied; blocks for some milliseconds.
  void let_go_of_database(const std::string& name) { cache_->directory().let_go(name); }
  /// Gives memory back that a quiet client needs no more.
  void sweep() {
    seen_.forget_before(cache_->freshness().proof(Clock::now()));
    seen_.shrink();
  }
  /// Everything has been answered, and the client has been told.
  void end_answers() { seen_.end_answers(); }
  /// So is the transaction over.
  void forget_writes() { writes_.clear(); }

 private:
  /// What entries are judged by; read in this order, and before them.
  struct Rule {
    TimePoint now;
    TimePoint lease;
    TimePoint proof;
    bool may_serve;
    bool is_alone;    ///< the only statement of its batch
    bool may_follow;  ///< somebody else's flight
  };

  void move();
  bool may_be_kept(const std::vector<ReadRequest>& batch) const;
  cache::Key key_of(const ReadRequest& request, const backend::SessionSettingsPtr& settings);
  void update_context(const backend::SessionSettingsPtr& settings);
  void note_writes(const sql::Verdict& verdict, sql::Effects effects, const cache::Catalog* catalog);
  void note_reads(const sql::Verdict& verdict, sql::Effects effects, const cache::Catalog* catalog);
  std::shared_ptr<const StatementPlan> plain_write(sql::Effects effects, const cache::Catalog* catalog,
                                                   const ReadRequest& request);
  void note_plain_write(const StatementPlan::Write& write, const ReadRequest& request);
  void note_answer();
  void note_hit(const cache::EntryPtr& entry, const Rule& rule);
  Asker asker() const;
  void count_misses(std::size_t statements);
  void note_refusal(std::size_t statements);
  void keep(const backend::Backend& backend);
  Rule rule_at(TimePoint now, std::size_t statements, bool may_follow) const;
  bool is_served(const cache::Entry& entry, const Rule& rule);
  bool follow(const cache::Key& key, const cache::Entry* found, const Rule& rule);
  void end_fill();
  using Plans = std::vector<std::shared_ptr<const StatementPlan>>;
  void note_miss(const std::vector<ReadRequest>& batch, const backend::SessionSettingsPtr& settings,
                 std::vector<cache::EntryPtr>& found, const Rule& rule, std::uint64_t hash);
  bool is_worth(const Plans& plans, const std::vector<cache::EntryPtr>& found, const Rule& rule,
                std::uint64_t hash);
  void begin_fill(const std::vector<ReadRequest>& batch, const backend::SessionSettingsPtr& settings,
                  const Plans& plans, std::vector<cache::EntryPtr>& found, const Rule& rule,
                  const cache::Fence& fence);
  Fill::Part part_of(const ReadRequest& request, const cache::Key& key, cache::EntryPtr known, TimePoint now);

  backend::Pool& pool_;
  const backend::ProfilePtr profile_;
  std::uint64_t pool_generation_;
  std::uint64_t defaults_generation_;
  std::shared_ptr<DatabaseCache> cache_;
  const bool refills_;
  std::string context_;  ///< cache, user, defaults, profile and settings
  std::uint64_t context_hash_ = 0;
  backend::SessionSettingsPtr context_settings_;
  std::string context_parsing_;      ///< parsing_settings() of these
  std::uint64_t doubted_below_ = 0;  ///< number of a statement
  std::optional<Fill> fill_;
  std::optional<Flights::Lead> lead_;         ///< of what fill_ is for
  std::shared_ptr<const Policies> policies_;  ///< by which fill_ is kept
  const std::function<void()> on_landing_;
  std::shared_ptr<Flights::Follower> follower_;  ///< while somebody else's query is waited for
  bool is_sent_ = false;                         ///< the first request of those whose answers fill_ is for
  TimePoint looked_at_{};
  std::size_t asked_ = 0;    ///< so many statements are sent next of which it has been noted what they read
  bool is_refused_ = false;  ///< see is_refused()
  Seen seen_;
  OwnWrites writes_;
};

}  // namespace forebay::engine
