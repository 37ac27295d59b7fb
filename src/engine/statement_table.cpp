#include "engine/statement_table.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "backend/other_databases.hpp"
#include "backend/pool.hpp"
#include "engine/repetition_table.hpp"
#include "sql/split_statements.hpp"
#include "sql/without_values.hpp"

namespace forebay::engine {

namespace {

/// So many statements are compared to find the one that makes room.
constexpr std::uint32_t kCompared = 16;
/// A text whose parts take more is counted as one statement: dumps and migrations. Beside the text itself, of
/// kLongestText, and its counters they keep what a statement takes within the bound in docs/statements.md.
constexpr std::size_t kMostBytesOfParts = 1280;
/// What the allocator adds to a block.
constexpr std::size_t kHead = 16;

constexpr std::string_view kUnknownText = "(longer than 32 KiB, or prepared in another way)";
constexpr std::string_view kRefusedText = "(what PostgreSQL's scanner refuses)";

struct FingerprintHash {
  std::size_t operator()(const sql::Fingerprint& fingerprint) const { return fingerprint.low; }
};

/// The texts that any thread has, each once.
struct Texts {
  std::mutex mutex;
  std::unordered_map<sql::Fingerprint, std::weak_ptr<const std::string>, FingerprintHash> known;
  std::size_t sweep_at = 1024;
};

Texts& texts() {
  static Texts shared;
  return shared;
}

/// One and the same view for all threads, for as long as the process lives.
std::string_view lasting(std::string_view name) {
  static std::mutex mutex;
  static std::set<std::string, std::less<>> names;
  const std::lock_guard lock(mutex);
  const auto at = names.find(name);
  return at != names.end() ? *at : *names.emplace(name).first;
}

void forget_unused(Texts& shared) {
  std::erase_if(shared.known, [](const auto& entry) { return entry.second.expired(); });
  shared.sweep_at = std::max<std::size_t>(1024, shared.known.size() * 2);
}

/// `make` tells how it is shown, where no thread has it.
template <class Make>
TextPtr text_of(const sql::Fingerprint& fingerprint, Make make) {
  Texts& shared = texts();
  const std::lock_guard lock(shared.mutex);
  auto& known = shared.known[fingerprint];
  if (auto found = known.lock()) return found;
  auto made = std::make_shared<const std::string>(make());
  known = made;
  if (shared.known.size() >= shared.sweep_at) forget_unused(shared);
  return made;
}

std::string shown(const sql::Fingerprint& fingerprint, std::string_view text) {
  if (fingerprint == StatementTable::kUnknown) return std::string(kUnknownText);
  std::string written = sql::without_values(text, StatementTable::kLongestText);
  return written.empty() && fingerprint == sql::Fingerprint() ? std::string(kRefusedText) : written;
}

}  // namespace

StatementFigures& StatementFigures::operator+=(const StatementFigures& other) {
  calls += other.calls;
  rows += other.rows;
  exec_micros += other.exec_micros;
  least_micros = std::min(least_micros, other.least_micros);
  most_micros = std::max(most_micros, other.most_micros);
  wait_micros += other.wait_micros;
  hits += other.hits;
  saved_micros += other.saved_micros;
  errors += other.errors;
  error_micros += other.error_micros;
  if (other.failed_at > failed_at) {
    last_sqlstate = other.last_sqlstate;
    failed_at = other.failed_at;
  }
  first_seen = std::min(first_seen, other.first_seen);
  last_seen = std::max(last_seen, other.last_seen);
  return *this;
}

StatementGrowth grown(const StatementFigures& now, const StatementFigures* then, TimePoint looked) {
  const auto by_server = [](const StatementFigures& figures) { return figures.calls - figures.hits; };
  const bool goes_on = then != nullptr && by_server(now) >= by_server(*then) && now.hits >= then->hits &&
                       now.exec_micros >= then->exec_micros;
  if (!goes_on && now.first_seen < looked) return {};
  const StatementFigures from = goes_on ? *then : StatementFigures();
  return {now.calls - from.calls, now.hits - from.hits, now.exec_micros - from.exec_micros};
}

StatementTable::StatementTable() : repetitions_(std::make_unique<RepetitionTable>(*this)) {}

StatementTable::~StatementTable() = default;

void StatementTable::configure(bool enabled, std::uint32_t most, config::Samples samples) {
  if (std::exchange(samples_, samples) != samples) {
    for (const auto& slot : slots_) slot->sample.reset();
  }
  enabled_ = enabled;
  most_ = std::max(most, kCompared);
  if (!enabled || slots_.size() > most_) reset();
}

void StatementTable::reset() {
  places_ = {};
  slots_.clear();
  slots_.shrink_to_fit();
  {
    const std::lock_guard lock(texts().mutex);
    forget_unused(texts());
  }
  others_ = {};
  hand_ = 0;
  repetitions_->reset();
}

std::uint32_t StatementTable::number_of(std::string_view database) {
  const auto at = std::ranges::find(databases_, database, [](const auto& known) { return known->name; });
  if (at != databases_.end()) return static_cast<std::uint32_t>(at - databases_.begin());
  if (databases_.size() >= backend::kMostDatabases && database != backend::kOtherDatabases)
    return number_of(backend::kOtherDatabases);
  databases_.push_back(std::make_unique<Database>());
  databases_.back()->name = lasting(database);
  return static_cast<std::uint32_t>(databases_.size() - 1);
}

StatementTable::Ref StatementTable::look_up(const StatementKey& key, std::string_view text, int statements,
                                            TimePoint now) {
  const auto known = places_.find(key);
  Ref found = known != places_.end() ? ref(known->second) : take_in(key, text, statements, now);
  const Slot& slot = *slots_[found.place];
  if (slot.parts != nullptr && slot.parts->all.size() == 1) found = part_of(slot, 0, now);
  recent_[key.fingerprint.low % kRecent] = {key, found};
  return found;
}

StatementTable::Ref StatementTable::take_in(const StatementKey& key, std::string_view text, int statements,
                                            TimePoint now) {
  const Ref whole = admit(key, text_of(key.fingerprint, [&] { return shown(key.fingerprint, text); }), now);
  const bool may_have_parts = text.find(';') != std::string_view::npos &&
                              static_cast<std::size_t>(statements) * sizeof(Part) <= kMostBytesOfParts;
  if (!may_have_parts) return whole;
  const auto pieces = sql::split_statements(text);
  if (pieces.size() != static_cast<std::size_t>(statements)) return whole;
  auto parts = parts_of(pieces);
  if (parts == nullptr) return whole;
  const bool is_itself = parts->all.size() == 1 && parts->all.front().fingerprint == key.fingerprint;
  if (!is_itself) slots_[whole.place]->parts = std::move(parts);
  return whole;
}

/// Null: they take too much.
std::unique_ptr<StatementTable::Parts> StatementTable::parts_of(const std::vector<std::string_view>& pieces) {
  auto parts = std::make_unique<Parts>();
  parts->all.reserve(pieces.size());
  for (const std::string_view piece : pieces) {
    Part part{.fingerprint = sql::fingerprint(piece)};
    const auto same = std::ranges::find(parts->all, part.fingerprint, &Part::fingerprint);
    if (same != parts->all.end()) {
      part = *same;
    } else {
      const std::string text = shown(part.fingerprint, piece);
      part.begin = static_cast<std::uint16_t>(parts->texts.size());
      part.length = static_cast<std::uint16_t>(text.size());
      parts->texts += text;
    }
    parts->all.push_back(part);
    if (parts->bytes() > kMostBytesOfParts) return nullptr;
  }
  parts->texts.shrink_to_fit();
  return parts;
}

StatementTable::Ref StatementTable::part_of(const Slot& whole, std::size_t position, TimePoint now) {
  const std::size_t last = whole.parts->all.size() - 1;
  Part& part = whole.parts->all[std::min(position, last)];
  if (slot_of(part.statement) != nullptr) return part.statement;
  const StatementKey key{part.fingerprint, whole.key.database};
  const auto known = places_.find(key);
  if (known != places_.end()) return part.statement = ref(known->second);
  // Whose turn it is to make room may be the whole, with its parts.
  return admit(key, text_of(key.fingerprint, [&] { return std::string(whole.parts->text_of(part)); }), now);
}

std::optional<StatementTable::Named> StatementTable::named(Ref statement) const {
  const Slot* slot = slot_of(statement);
  if (slot == nullptr) return std::nullopt;
  return Named{slot->key, slot->text};
}

StatementTable::Ref StatementTable::admit(const StatementKey& key, TextPtr text, TimePoint now) {
  std::uint32_t place = static_cast<std::uint32_t>(slots_.size());
  if (place < most_) {
    slots_.push_back(std::make_unique<Slot>());
  } else {
    place = make_room();
  }
  // In the place of the one before: the allocator finds few takers for aligned blocks that are free.
  Slot& slot = *slots_[place];
  slot = Slot();
  slot.key = key;
  slot.serial = next_serial_++;
  slot.text = std::move(text);
  slot.figures.first_seen = now;
  places_[key] = place;
  return ref(place);
}

/// Rare ones go before those that come again and again, and none is kept for ever for having been dear once:
/// it is compared with its neighbours whenever the hand comes round.
std::uint32_t StatementTable::make_room() {
  const auto size = static_cast<std::uint32_t>(slots_.size());
  std::uint32_t cheapest = hand_ % size;
  for (std::uint32_t i = 1; i < kCompared; ++i) {
    const std::uint32_t other = (hand_ + i) % size;
    if (slots_[other]->figures.cost() < slots_[cheapest]->figures.cost()) cheapest = other;
  }
  hand_ = (hand_ + kCompared) % size;
  others_ += slots_[cheapest]->figures;
  places_.erase(slots_[cheapest]->key);
  return cheapest;
}

bool StatementTable::note_call(Ref statement, std::uint64_t rows, std::uint64_t micros, std::uint64_t waited,
                               TimePoint now) {
  Slot* slot = slot_of(statement);
  StatementFigures& figures = figures_of(slot);
  ++figures.calls;
  figures.first_seen = std::min(figures.first_seen, now);
  figures.rows += rows;
  figures.exec_micros += micros;
  const bool is_slowest = slot != nullptr && (slot->asker == nullptr || micros > figures.most_micros);
  figures.least_micros = std::min(figures.least_micros, micros);
  figures.most_micros = std::max(figures.most_micros, micros);
  figures.wait_micros += waited;
  figures.last_seen = now;
  if (slot != nullptr) slot->times.add(micros);
  return is_slowest;
}

void StatementTable::note_asker(Ref statement, Asker asker) {
  Slot* slot = slot_of(statement);
  if (slot != nullptr) slot->asker = std::make_unique<const Asker>(std::move(asker));
}

void StatementTable::note_sample(Ref statement, std::uint64_t micros, const SampleValuesPtr& values,
                                 TimePoint now) {
  Slot* slot = slot_of(statement);
  // What was on its way when the choice became another one is kept by neither.
  const auto is_so = [this](const SampleValue& value) {
    return value.is_null || value.is_masked == (samples_ == config::Samples::masked);
  };
  if (slot == nullptr || samples_ == config::Samples::off || !std::ranges::all_of(values->values, is_so))
    return;
  if (slot->sample == nullptr) slot->sample = std::make_unique<Sample>();
  if (slot->sample->values == nullptr || micros > slot->sample->micros) *slot->sample = {values, micros, now};
}

void StatementTable::note_hits(Ref statement, const Hits& hits, TimePoint now) {
  StatementFigures& figures = figures_of(slot_of(statement));
  figures.calls += hits.calls;
  figures.hits += hits.calls;
  figures.first_seen = std::min(figures.first_seen, now);
  figures.rows += hits.rows;
  figures.saved_micros += hits.saved_micros;
  figures.last_seen = now;
}

void StatementTable::note_error(Ref statement, const std::array<char, 5>& sqlstate, std::uint64_t micros,
                                std::uint64_t waited, TimePoint now) {
  StatementFigures& figures = figures_of(slot_of(statement));
  ++figures.errors;
  figures.error_micros += micros;
  figures.wait_micros += waited;
  figures.last_sqlstate = sqlstate;
  figures.failed_at = figures.last_seen = now;
  figures.first_seen = std::min(figures.first_seen, now);
}

// --- reading
// ---------------------------------------------------------------------------------------------

std::vector<StatementTable::Cost> StatementTable::costs(StatementOrder order,
                                                        const std::optional<std::string>& database) const {
  std::vector<Cost> costs;
  costs.reserve(slots_.size());
  for (const auto& slot : slots_) {
    const std::string_view name = databases_[slot->key.database]->name;
    if (slot->figures.calls + slot->figures.errors == 0 || (database && name != *database)) continue;
    costs.push_back({{slot->key.fingerprint, name}, standing_of(slot->figures, order)});
  }
  return costs;
}

StatementTable::Slot* StatementTable::slot_of(const Name& name) const {
  const auto database =
      std::ranges::find(databases_, name.database, [](const auto& known) { return known->name; });
  if (database == databases_.end()) return nullptr;
  const auto number = static_cast<std::uint32_t>(database - databases_.begin());
  const auto at = places_.find({name.fingerprint, number});
  return at == places_.end() ? nullptr : slots_[at->second].get();
}

/// Of one whose pool has gone, or moved to another server, nobody is known: the next call tells.
std::optional<StatementTable::Runner> StatementTable::runner_of(const Name& name) {
  Slot* slot = slot_of(name);
  if (slot == nullptr || slot->asker == nullptr) return std::nullopt;
  const auto pool = slot->asker->pool.lock();
  if (pool == nullptr || pool->generation() != slot->asker->pool_generation) {
    slot->asker.reset();
    return std::nullopt;
  }
  return Runner{*slot->asker, slot->figures.most_micros};
}

StatementTable::Details StatementTable::details(const std::vector<Name>& names) const {
  Details details{{}, others_};
  std::vector<bool> is_told(slots_.size());
  for (const Name& name : names) {
    const Slot* slot = slot_of(name);
    if (slot == nullptr) continue;
    Row& row = details.rows.emplace_back(Row{name, slot->text, slot->figures, {}});
    slot->times.add_to(row.times);
    if (slot->sample != nullptr) row.sample = *slot->sample;
    is_told[places_.at(slot->key)] = true;
  }
  for (std::size_t place = 0; place < slots_.size(); ++place) {
    if (!is_told[place]) details.others += slots_[place]->figures;
  }
  return details;
}

std::size_t StatementTable::bytes() const {
  std::size_t bytes = sizeof(recent_) + slots_.capacity() * sizeof(slots_.front());
  // Fifteen elements of sixteen bytes each with their marks make a group of the map, which is half empty
  // after it has grown.
  bytes += places_.bucket_count() * (sizeof(StatementKey) + sizeof(std::uint64_t) + 1);
  for (const auto& slot : slots_) {
    const std::size_t counters = slot->times.allocated_bytes();
    bytes += sizeof(Slot) + kHead + counters + counters / 64 * kHead;
    bytes += slot->text->capacity() + sizeof(std::string) + 2 * kHead + 80;  // and its place among all texts
    if (slot->asker != nullptr) bytes += sizeof(Asker) + kHead;
    if (slot->sample != nullptr) bytes += sizeof(Sample) + kHead + slot->sample->values->bytes();
    if (slot->parts == nullptr) continue;
    bytes += sizeof(Parts) + slot->parts->bytes() + 3 * kHead;
  }
  return bytes;
}

}  // namespace forebay::engine
