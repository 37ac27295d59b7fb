#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/clock.hpp"
#include "engine/statement_key.hpp"
#include "monitor/missing_index.hpp"
#include "monitor/plan.hpp"
#include "monitor/plan_question.hpp"
#include "monitor/statement_past.hpp"
#include "pgfront/statement_report.hpp"

namespace forebay::monitor {

/// Has servers say how they run the statements that are slow, and keeps what they say, to be compared with
/// what comes later. Used by the thread of HTTP.
///
/// Of at most kMostStatements, those that keep servers busy for longest; of each kMostPlans different plans.
/// A plan takes some kilobytes, and 64 at most: 26 MB for all at the very worst.
class Planner {
 public:
  static constexpr std::size_t kMostStatements = 100;
  static constexpr std::size_t kMostPlans = 4;

  /// `front` outlives this object; `here` leads to the thread that uses it.
  Planner(pgfront::Front& front, pgfront::Post here);

  /// To be called about every second: looks at what statements have come to, and asks for at most one plan.
  void round(TimePoint now);

  /// Empty: it has been done. Otherwise why not, in plain words.
  using Explained = std::function<void(std::string problem)>;
  /// Asks for a plan now.
  void explain(const pgfront::StatementName& name, Explained done);
  /// Likewise, and executes the statement for it, if it is a plain read.
  void analyze(const pgfront::StatementName& name, Values values, Explained done);

  /// `plans`, the newest first, `findings`, `measured`, `past` and why there is no plan.
  boost::json::object tell(const pgfront::StatementName& name, TimePoint now) const;
  /// For lists: null when nothing is known.
  boost::json::value summary(const pgfront::StatementName& name) const;
  /// What the latest plans want.
  std::vector<MissingIndex> missing_indexes() const;

 private:
  struct Kept {
    std::string shape;
    std::string tree;  ///< JSON
    double cost = 0;
    double first_seen = 0;  ///< seconds since 1970
    double last_seen = 0;
    std::vector<std::string> changes;  ///< from the one before
    std::uint64_t calls = 0;           ///< by servers, while it was the latest; of the first one, also before
    std::uint64_t micros = 0;
  };
  struct Subject {
    pgfront::StatementName name;
    Plannable statement;
    std::vector<Kept> plans;  ///< the latest comes last
    boost::json::array findings;
    std::string why_not;  ///< of the last attempt
    double asked = 0;     ///< seconds since 1970; 0: never
    std::optional<boost::json::object> measured;
    TimePoint due{};
    TimePoint earliest{};
    TimePoint looked{};
    std::optional<engine::StatementFigures> told;  ///< at the last look
    double recent_mean = 0;  ///< microseconds, of the calls between the last two looks that saw any
    double planned_mean = 0;
    std::uint64_t recent_micros = 0;
    bool is_slow = false;
    bool has_run = false;  ///< since a plan was asked for
    StatementPast past;
  };

  void note(const pgfront::StatementReport& report, TimePoint now);
  void note(Subject& subject, const engine::StatementTable::Row& row, TimePoint now);
  Subject& subject_of(const pgfront::StatementName& name, const std::string& text, TimePoint now);
  void forget_one(TimePoint now);
  Subject* find(const pgfront::StatementName& name);
  const Subject* find(const pgfront::StatementName& name) const;
  void ask_for_next(TimePoint now);
  void ask_for_plan(Subject& subject, Explained done);
  void take_plan(const pgfront::StatementName& name, const engine::Explainer::Answer& answer, Explained done);
  void keep(Subject& subject, const Plan& plan);
  void find_findings(const pgfront::StatementName& name, const boost::json::object& root,
                     std::function<void(boost::json::array findings, bool is_all)> done);
  static void ask_again(Subject& subject);
  void with_subject(const pgfront::StatementName& name, const Explained& failed,
                    std::function<void(Subject&)> then);
  pgfront::Inquiry inquiry() const { return {front_, alive_, here_, Clock::now()}; }

  pgfront::Front& front_;
  const pgfront::Post here_;
  std::map<std::string, std::unique_ptr<Subject>> subjects_;
  TimePoint looked_{};
  TimePoint next_look_{};
  TimePoint next_plan_{};  ///< none is asked for by itself before
  const std::shared_ptr<void> alive_ = std::make_shared<char>();
};

}  // namespace forebay::monitor
