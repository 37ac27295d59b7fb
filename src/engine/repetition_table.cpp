#include "engine/repetition_table.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "sql/verdict.hpp"
#include "sql/without_values.hpp"

namespace forebay::engine {

namespace {

/// A trace of which nothing has come for so long is over.
constexpr Duration kTraceIsOver{1'000};

/// PostgreSQL's own catalogs are read by drivers, and cannot be kept.
bool reads_tables_of_users(std::string_view text) {
  const sql::Verdict verdict = sql::analyse(text);
  return std::ranges::any_of(verdict.relations,
                             [](const std::string& name) { return !name.starts_with("pg_"); });
}

std::size_t place_of(RepetitionKind kind) {
  return static_cast<std::size_t>(kind);
}

template <class T>
T& grown(std::vector<T>& values, std::size_t at) {
  if (at >= values.size()) values.resize(at + 1);
  return values[at];
}

}  // namespace

std::string_view name_of(RepetitionKind kind) {
  return kind == RepetitionKind::n_plus_one ? "n+1" : "duplicate";
}

RepetitionFigures& RepetitionFigures::operator+=(const RepetitionFigures& other) {
  windows += other.windows;
  executions += other.executions;
  most = std::max(most, other.most);
  micros += other.micros;
  first_seen = std::min(first_seen, other.first_seen);
  last_seen = std::max(last_seen, other.last_seen);
  return *this;
}

void RepetitionTable::configure(bool enabled) {
  enabled_ = enabled;
  if (!enabled) reset();
}

void RepetitionTable::reset() {
  known_ = {};
  looks_until_.clear();
  for (Trace& trace : traces_) end_watch(*trace.window);
  traces_.clear();
}

RepetitionTable::Known& RepetitionTable::admit(const StatementKey& key, std::string_view text,
                                               TimePoint now) {
  auto at = known_.find(key);
  if (at == known_.end()) {
    if (known_.size() >= kMostStatements) make_room();
    auto known = std::make_unique<Known>();
    known->text = sql::without_values(text, kLongestText);
    known->is_of_interest = reads_tables_of_users(text);
    if (known->is_of_interest && known->text.size() < kLongestText)
      known->lookups = sql::batched_lookups(known->text);
    at = known_.emplace(key, std::move(known)).first;
  }
  at->second->last_seen = now;
  return *at->second;
}

void RepetitionTable::make_room() {
  known_.erase(std::ranges::min_element(known_, {}, [](const auto& each) { return each.second->last_seen; }));
}

void RepetitionTable::note_text(const StatementKey& key, std::string_view text, TimePoint now) {
  const Known& known = admit(key, text, now);
  if (known.is_of_interest && is_looking(known)) grown(looks_until_, key.database) = now + kWatched;
}

bool RepetitionTable::is_looking(const StatementKey& key) const {
  const auto at = known_.find(key);
  return at != known_.end() && at->second->is_of_interest && is_looking(*at->second);
}

void RepetitionTable::note(RepetitionWindow& window, TimePoint now) {
  window.each_suspect([&](StatementTable::Ref statement, RepetitionWindow::Tally& tally) {
    note(window, statement, tally, now);
  });
}

void RepetitionTable::note(RepetitionWindow& window, StatementTable::Ref statement,
                           RepetitionWindow::Tally& tally, TimePoint now) {
  if (tally.told == tally.executions) return;
  const auto named = statements_.named(statement);
  if (!named) return;
  const bool is_clients = window.place() == RepetitionPlace::client;
  if (is_clients && tally.executions < RepetitionWindow::kRepeats && !window.has_list_before(tally)) return;
  Known& known = admit(named->key, *named->text, now);
  if (!known.is_of_interest) return;
  look(known, window, RepetitionWindow::key_of(statement));
  count(known, named->key, window, tally, now);
}

void RepetitionTable::count(Known& known, const StatementKey& key, RepetitionWindow& window,
                            RepetitionWindow::Tally& tally, TimePoint now) {
  // Of a few values that come again and again, it decides whether they are an earlier result's.
  const bool is_n_plus_one = tally.has_different_values() || (known.is_confirmed() && tally.different > 1);
  const auto place = place_of(is_n_plus_one ? RepetitionKind::n_plus_one : RepetitionKind::duplicate);
  RepetitionFigures& figures = known.figures[place];
  // What one value was asked for again and again may turn out to be a list with many, in a window that goes
  // on.
  const auto kind = static_cast<std::uint8_t>(1U << place);
  if ((tally.counted & kind) == 0) {
    tally.counted |= kind;
    ++figures.windows;
    if (known.looks >= kLooks && std::has_single_bit(figures.windows)) --known.looks;
    if (!known.is_withdrawn) ++grown(counts_, key.database)[place];
  }
  figures.executions += tally.executions - tally.told;
  figures.most = std::max<std::uint64_t>(figures.most, tally.executions);
  figures.micros += std::exchange(tally.micros, 0);
  figures.first_seen = std::min(figures.first_seen, now);
  figures.last_seen = now;
  known.places[place] |= static_cast<std::uint8_t>(window.place());
  tally.told = tally.executions;
  if (is_looking(known)) grown(looks_until_, key.database) = now + kWatched;
}

/// Numbers of parameters are those of the text without values: a literal of a simple query is one.
void RepetitionTable::look(Known& known, RepetitionWindow& window, std::uint64_t statement) {
  if (window.watch == nullptr || known.is_confirmed()) return;
  const auto source = window.watch->source_of(statement, window.place() == RepetitionPlace::client);
  if (!source) return;
  const auto named = statements_.named(RepetitionWindow::ref_of(source->statement));
  if (!named) return;
  known.source = {named->key.fingerprint, *named->text, source->column,
                  static_cast<int>(source->parameter) + 1};
  known.is_withdrawn = false;
}

void RepetitionTable::end(RepetitionWindow& window, TimePoint now) {
  note(window, now);
  if (window.watch != nullptr) {
    window.each_suspect([&](StatementTable::Ref statement, const RepetitionWindow::Tally&) {
      const auto named = statements_.named(statement);
      const auto at = named ? known_.find(named->key) : known_.end();
      if (at == known_.end() || at->second->is_confirmed()) return;
      Known& known = *at->second;
      if (window.watch->executions_of(RepetitionWindow::key_of(statement)) < RepetitionWindow::kCycles)
        return;
      if (++known.looks < kLooks) return;
      known.is_withdrawn = true;
      stop_looking(named->key.database, now);
    });
  }
  end_watch(window);
  window.clear();
}

/// Unless there is another statement of this database to look for.
void RepetitionTable::stop_looking(std::uint32_t database, TimePoint now) {
  const bool has_others = std::ranges::any_of(known_, [&](const auto& each) {
    const Known& known = *each.second;
    return each.first.database == database && known.is_of_interest && is_looking(known) &&
           now - known.last_seen < kWatched;
  });
  if (!has_others) grown(looks_until_, database) = {};
}

void RepetitionTable::begin_watch(RepetitionWindow& window) {
  if (lent_ >= kMostWatches) return;
  ++lent_;
  window.watch = std::make_unique<RepetitionWatch>();
}

void RepetitionTable::end_watch(RepetitionWindow& window) {
  if (window.watch == nullptr) return;
  window.watch.reset();
  --lent_;
}

// --- traces
// ----------------------------------------------------------------------------------------------

std::shared_ptr<RepetitionWindow> RepetitionTable::window_of_trace(std::uint64_t trace, TimePoint now) {
  auto at = std::ranges::find(traces_, trace, &Trace::trace);
  if (at == traces_.end()) {
    if (traces_.size() >= kMostTraces) {
      at = std::ranges::min_element(traces_, {}, &Trace::used_at);
      end(*at->window, now);
      traces_.erase(at);
    }
    at = traces_.insert(traces_.end(),
                        {trace, now, std::make_shared<RepetitionWindow>(RepetitionPlace::trace)});
  }
  at->used_at = now;
  return at->window;
}

void RepetitionTable::sweep(TimePoint now) {
  for (Trace& trace : traces_) {
    if (now - trace.used_at >= kTraceIsOver) {
      end(*trace.window, now);
    } else {
      note(*trace.window, now);
    }
  }
  std::erase_if(traces_, [](const Trace& trace) { return trace.window->is_empty(); });
}

// --- reading
// ---------------------------------------------------------------------------------------------

bool RepetitionTable::is_shown(const Known& known, RepetitionKind kind) const {
  const bool is_clients_only =
      known.places[place_of(kind)] == static_cast<std::uint8_t>(RepetitionPlace::client);
  const bool is_in_doubt = kind == RepetitionKind::n_plus_one && known.is_withdrawn && is_clients_only;
  return known.figures[place_of(kind)].windows > 0 && !is_in_doubt;
}

std::string RepetitionTable::rewrite_of(const Known& known) const {
  if (!known.is_confirmed()) return known.lookups.size() == 1 ? known.lookups.front().text : std::string();
  const auto at = std::ranges::find(known.lookups, known.source.parameter, &sql::BatchedLookup::parameter);
  return at == known.lookups.end() ? std::string() : at->text;
}

std::vector<Repetition> RepetitionTable::repetitions() const {
  std::vector<Repetition> all;
  for (const auto& [key, known] : known_) {
    for (const RepetitionKind kind : {RepetitionKind::n_plus_one, RepetitionKind::duplicate}) {
      if (!is_shown(*known, kind)) continue;
      Repetition& each = all.emplace_back();
      each.fingerprint = key.fingerprint;
      each.database = statements_.name_of_database(key.database);
      each.kind = kind;
      each.text = known->text;
      each.figures = known->figures[place_of(kind)];
      each.places = known->places[place_of(kind)];
      if (kind == RepetitionKind::duplicate) continue;
      each.source = known->source;
      each.rewrite = rewrite_of(*known);
    }
  }
  return all;
}

std::vector<RepetitionCount> RepetitionTable::counts() const {
  std::vector<RepetitionCount> all;
  statements_.each_database([&](std::string_view name, const Latencies&) {
    const bool has_any = all.size() < counts_.size();
    all.push_back({name, has_any ? counts_[all.size()] : std::array<std::uint64_t, kRepetitionKinds>()});
  });
  return all;
}

}  // namespace forebay::engine
