#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/clock.hpp"
#include "config/settings.hpp"
#include "engine/asker.hpp"
#include "engine/hit_latency.hpp"
#include "engine/sample_values.hpp"
#include "engine/statement_key.hpp"
#include "engine/statement_order.hpp"
#include "observe/histogram.hpp"
#include "sql/fingerprint.hpp"

namespace forebay::engine {

class RepetitionTable;

/// What a statement has come to. Times are in microseconds. What changes with each hit comes first, then what
/// changes with each call, so that they share lines of the processor's cache.
struct StatementFigures {
  // What each call by a server changes comes first, together.
  std::uint64_t calls = 0;  ///< that ended well, from memory or by the server
  std::uint64_t rows = 0;
  std::uint64_t exec_micros = 0;  ///< of calls by the server, without waiting for a backend
  std::uint64_t least_micros = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t most_micros = 0;
  TimePoint last_seen{};
  TimePoint first_seen = TimePoint::max();
  std::uint64_t wait_micros = 0;  ///< for a backend

  std::uint64_t hits = 0;  ///< calls that were answered from memory
  std::uint64_t saved_micros = 0;
  std::uint64_t errors = 0;
  std::uint64_t error_micros = 0;
  std::array<char, 5> last_sqlstate{};  ///< of the last error, at `failed_at`
  TimePoint failed_at{};

  StatementFigures& operator+=(const StatementFigures& other);
  /// By which statements are ranked: what they have kept servers busy for.
  std::uint64_t cost() const { return exec_micros + error_micros; }
};

/// What a statement has come to between two looks.
struct StatementGrowth {
  std::uint64_t calls = 0;
  std::uint64_t hits = 0;
  std::uint64_t exec_micros = 0;
};

/// Of all threads' figures together, `then` at a look at `looked`; null: the statement was not told then.
/// Nothing is known to have come where the figures have fallen, since a thread whose table was full may have
/// let its share go; all of it, where it was first seen after that look.
StatementGrowth grown(const StatementFigures& now, const StatementFigures* then, TimePoint looked);

/// How long things of one database took.
struct Latencies {
  observe::Histogram calls;         ///< by the server, without waiting for a backend
  observe::Histogram transactions;  ///< from their first message to their end
  observe::Histogram waits;         ///< for a backend, whether there came one or not
  HitLatency hits;                  ///< of answers from memory
  std::uint64_t refusals = 0;       ///< no calls: Forebay answered with an error of its own
  std::uint64_t errors = 0;         ///< of the calls, those that ended with one
};

/// The figures of the statements that one thread's clients run, each under its fingerprint and database.
///
/// Of at most so many statements at a time: then the cheapest of sixteen whose turn it is makes room for a
/// new one, and what it has come to is added to others(). To count a call allocates nothing; to meet a new
/// statement does. Used by one thread.
class StatementTable {
 public:
  /// Of what is too long to be read, or prepared past us. No text has it: its lower half would be that of a
  /// text with one empty token.
  static constexpr sql::Fingerprint kUnknown{0, 1};
  /// Longest text that is kept of a statement, in bytes.
  static constexpr std::size_t kLongestText = 1024;

  /// A statement in the table. When that has made room for another one, what is counted goes to the others.
  struct Ref {
    std::uint32_t place = std::numeric_limits<std::uint32_t>::max();
    std::uint32_t serial = 0;

    friend bool operator==(const Ref&, const Ref&) = default;
  };

  StatementTable();
  ~StatementTable();

  /// Nothing is counted, and everything forgotten, while it is not `enabled`. Values that were kept are
  /// forgotten when `samples` is another choice than before.
  void configure(bool enabled, std::uint32_t most, config::Samples samples = config::Samples::off);
  bool is_enabled() const { return enabled_; }
  config::Samples samples() const { return samples_; }
  void reset();
  /// The statements of these that repeat.
  RepetitionTable& repetitions() { return *repetitions_; }

  std::uint32_t number_of(std::string_view database);
  /// Lives as long as the process.
  std::string_view name_of_database(std::uint32_t database) const { return databases_[database]->name; }
  /// Lives as long as the table.
  Latencies& latencies(std::uint32_t database) { return *databases_[database]->latencies; }

  /// The statement of that name, of which `text` is one, and which holds so many statements; a new one is
  /// taken in. A semicolon at its end makes no difference.
  Ref find(const StatementKey& key, std::string_view text, int statements, TimePoint now) {
    const Recent& recent = recent_[key.fingerprint.low % kRecent];
    if (recent.key == key && slot_of(recent.statement) != nullptr) return recent.statement;
    return look_up(key, text, statements, now);
  }
  /// What the statement at this position of its text is counted as. Mostly that itself; but a text with
  /// several only leads to what it consists of.
  Ref part(Ref whole, std::size_t position, TimePoint now) {
    const Slot* slot = slot_of(whole);
    return slot == nullptr || slot->parts == nullptr ? whole : part_of(*slot, position, now);
  }

  /// What a statement is called and how it is shown; nothing when it has made room.
  struct Named {
    StatementKey key;
    TextPtr text;
  };
  std::optional<Named> named(Ref statement) const;

  /// True when note_asker() is to follow: none of its calls has taken longer, or nobody is known who ran it.
  bool note_call(Ref statement, std::uint64_t rows, std::uint64_t micros, std::uint64_t waited,
                 TimePoint now);
  void note_asker(Ref statement, Asker asker);
  /// The values of a call that took so long, which are kept when none was slower.
  void note_sample(Ref statement, std::uint64_t micros, const SampleValuesPtr& values, TimePoint now);
  /// Answers from memory to one statement.
  struct Hits {
    std::uint64_t calls = 0;
    std::uint64_t rows = 0;
    std::uint64_t most_rows = 0;  ///< of one of them
    std::uint64_t saved_micros = 0;

    void add(std::uint64_t its_rows, std::uint64_t its_saved_micros) {
      ++calls;
      rows += its_rows;
      most_rows = std::max(most_rows, its_rows);
      saved_micros += its_saved_micros;
    }
  };
  void note_hits(Ref statement, const Hits& hits, TimePoint now);
  void note_error(Ref statement, const std::array<char, 5>& sqlstate, std::uint64_t micros,
                  std::uint64_t waited, TimePoint now);

  // --- reading

  /// Names a statement among those of all threads.
  struct Name {
    sql::Fingerprint fingerprint;
    std::string_view database;  ///< lives as long as the process
  };
  struct Cost {
    Name name;
    StatementStanding standing;
  };
  /// What a statement was called with, when it took longest.
  struct Sample {
    SampleValuesPtr values;  ///< null: none are kept
    std::uint64_t micros = 0;
    TimePoint at{};
  };
  struct Row {
    Name name;
    TextPtr text;
    StatementFigures figures;
    observe::Histogram times;
    Sample sample = {};

    /// In microseconds, of calls by servers, of which there must have been one. The middle of a bucket may
    /// lie beyond all that is in it.
    std::uint64_t percentile(double share) const {
      return std::clamp(times.percentile(share), figures.least_micros, figures.most_micros);
    }
  };

  /// Of every statement that has been called, or of those of one of a client's databases.
  std::vector<Cost> costs(StatementOrder order = StatementOrder::total,
                          const std::optional<std::string>& database = std::nullopt) const;
  /// Rows of those of the names that this thread has met, and the sum of everything else.
  struct Details {
    std::vector<Row> rows;
    StatementFigures others;
  };
  Details details(const std::vector<Name>& names) const;
  /// Whose call of the statement took longest, as far as his pool is still there; and how long, in
  /// microseconds.
  struct Runner {
    Asker asker;
    std::uint64_t micros;
  };
  std::optional<Runner> runner_of(const Name& name);
  /// With a name for each.
  template <class Visitor>
  void each_database(Visitor visit) const {
    for (const auto& database : databases_) visit(database->name, *database->latencies);
  }
  std::size_t size() const { return places_.size(); }
  /// All memory that it takes: of statements, counters and tables with the allocator's heads, texts too.
  std::size_t bytes() const;

 private:
  /// What a text consists of. Its own text is a stretch of what all parts are shown as.
  struct Part {
    sql::Fingerprint fingerprint;
    Ref statement = {};  ///< where it was last
    std::uint16_t begin = 0;
    std::uint16_t length = 0;
  };
  struct Parts {
    std::vector<Part> all;
    std::string texts;  ///< each once

    std::string_view text_of(const Part& part) const {
      return std::string_view(texts).substr(part.begin, part.length);
    }
    std::size_t bytes() const { return all.size() * sizeof(Part) + texts.size(); }
  };
  struct alignas(64) Slot {  // a line of the processor's cache
    std::uint32_t serial = 0;
    std::unique_ptr<Parts> parts;        ///< null: it is one statement
    std::unique_ptr<const Asker> asker;  ///< of the slowest call; null: not known
    StatementFigures figures;
    observe::SparseHistogram<std::uint32_t> times;
    StatementKey key;
    TextPtr text;
    std::unique_ptr<Sample> sample;  ///< null: no values are kept
  };
  /// What find() has led to, so that most calls need no search.
  struct Recent {
    StatementKey key;
    Ref statement;
  };
  static constexpr std::size_t kRecent = 256;
  struct Database {
    std::string_view name;
    std::unique_ptr<Latencies> latencies = std::make_unique<Latencies>();
  };

  static std::unique_ptr<Parts> parts_of(const std::vector<std::string_view>& pieces);
  Ref ref(std::uint32_t place) const { return {place, slots_[place]->serial}; }
  Slot* slot_of(Ref statement) const {
    if (statement.place >= slots_.size()) return nullptr;
    Slot* slot = slots_[statement.place].get();
    return slot->serial == statement.serial ? slot : nullptr;
  }
  Ref part_of(const Slot& whole, std::size_t position, TimePoint now);
  Slot* slot_of(const Name& name) const;
  StatementFigures& figures_of(Slot* slot) { return slot == nullptr ? others_ : slot->figures; }
  Ref look_up(const StatementKey& key, std::string_view text, int statements, TimePoint now);
  Ref take_in(const StatementKey& key, std::string_view text, int statements, TimePoint now);
  Ref admit(const StatementKey& key, TextPtr text, TimePoint now);
  std::uint32_t make_room();

  bool enabled_ = false;
  config::Samples samples_ = config::Samples::off;
  std::uint32_t most_ = 0;
  std::uint32_t next_serial_ = 1;
  std::uint32_t hand_ = 0;  ///< whose turn it is to make room
  boost::unordered_flat_map<StatementKey, std::uint32_t, StatementKeyHash> places_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::array<Recent, kRecent> recent_{};  ///< by fingerprint
  std::vector<std::unique_ptr<Database>> databases_;
  StatementFigures others_;
  std::unique_ptr<RepetitionTable> repetitions_;
};

}  // namespace forebay::engine
