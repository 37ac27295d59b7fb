#include "route/roll_call.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace forebay::route {

namespace {

/// At ten a second, a quarter of an hour.
constexpr std::size_t kMostSamples = 10'000;

}  // namespace

/// Pages have 8 KiB, their heads 24 bytes, the first of a segment 40 (XLogPageHeaderData in
/// src/include/access/xlog_internal.h); a first record, of 24 bytes or more, ends behind both.
Position end_of_last_record(Position place) {
  constexpr Position kPage = 8192;
  constexpr Position kShortHead = 24;
  constexpr Position kLongHead = 40;
  const Position offset = place % kPage;
  return offset == kShortHead || offset == kLongHead ? place - offset : place;
}

const char* to_text(Role role) {
  switch (role) {
    case Role::unknown:
      return "unknown";
    case Role::primary:
      return "primary";
    case Role::replica:
      return "replica";
  }
  return "";
}

const char* to_text(State state) {
  switch (state) {
    case State::unknown:
      return "unknown";
    case State::up:
      return "up";
    case State::lagging:
      return "lagging";
    case State::down:
      return "down";
    case State::refused:
      return "refused";
  }
  return "";
}

RollCall::RollCall(std::uint64_t generation, const std::vector<Member>& members, Rules rules, History history)
    : rules_(rules), sights_(members.size()) {
  topology_.generation = generation;
  topology_.history = history;
  for (const Member& member : members)
    topology_.servers.push_back(
        {.name = member.name, .weight = member.weight, .zone = member.zone, .is_near = member.is_near});
}

void RollCall::note_answer(std::size_t server, const Answer& answer, TimePoint asked) {
  Sight& sight = sights_[server];
  sight = {.answer = answer,
           .asked = asked,
           .failures = 0,
           .why = {},
           .has_answered = true,
           .settings = std::move(sight.settings)};
  Server& known = topology_.servers[server];
  known.role = answer.is_in_recovery ? Role::replica : Role::primary;
  known.position = answer.position;
  if (answer.is_first) {
    // It may have been restarted, and shows less than before, or be another server.
    known.covered = {};
    ++known.incarnation;
  }
  known.is_in_doubt = false;
  if (answer.timeline != 0) known.timeline = answer.timeline;
  find_primary();
  if (topology_.primary == server) {
    note_primary(answer, asked);
  } else if (answer.is_in_recovery) {
    note_replica(known, answer);
  }
}

void RollCall::note_settings(std::size_t server, AnswerSettings settings) {
  sights_[server].settings = std::move(settings);
}

void RollCall::note_failure(std::size_t server, std::string why) {
  Sight& sight = sights_[server];
  sight.why = std::move(why);
  // It may be on its way back already, with less than it had.
  topology_.servers[server].is_in_doubt = true;
  ++topology_.servers[server].incarnation;
  if (++sight.failures >= rules_.tries) sight.has_answered = false;
  find_primary();
}

void RollCall::note_move(std::size_t server) {
  Sight& sight = sights_[server];
  sight.failures = 0;
  sight.has_answered = false;
  sight.why = "its name means another address now, which has not answered yet";
  Server& known = topology_.servers[server];
  known.covered = {};
  ++known.incarnation;
}

bool RollCall::is_there(const Sight& sight) const {
  return sight.has_answered && sight.failures < rules_.tries;
}

bool RollCall::has_heard_of_all() const {
  return std::ranges::all_of(sights_,
                             [](const Sight& sight) { return sight.has_answered || sight.failures > 0; });
}

/// The highest timeline that any server of that cluster has told of, or the last primary of it.
Timeline RollCall::newest(std::uint64_t system) const {
  Timeline newest = system == topology_.history.system ? topology_.history.timeline : 0;
  for (std::size_t server = 0; server < sights_.size(); ++server) {
    if (sights_[server].answer.system == system)
      newest = std::max(newest, topology_.servers[server].timeline);
  }
  return newest;
}

/// Whether it says that it is a primary, and nothing that is known speaks against it.
bool RollCall::may_lead(std::size_t server) const {
  const Sight& sight = sights_[server];
  if (!is_there(sight) || sight.answer.is_in_recovery) return false;
  if (system_ != 0 && sight.answer.system != system_) return false;
  return sight.answer.timeline >= newest(sight.answer.system) &&
         (server == topology_.primary || sight.answer.timeline > timeline_);
}

/// Not before all have been heard of: the first to answer may be one that has been demoted.
void RollCall::find_primary() {
  if (!topology_.primary && !has_heard_of_all()) return;
  std::optional<std::size_t> best;
  for (std::size_t server = 0; server < sights_.size(); ++server) {
    if (server == topology_.primary || !may_lead(server)) continue;
    if (!best || sights_[server].answer.timeline > sights_[*best].answer.timeline) best = server;
  }
  if (!best) return;
  topology_.primary = best;
  note_leader(sights_[*best].answer);
}

void RollCall::note_leader(const Answer& answer) {
  has_new_primary_ = true;
  History& last = topology_.history;
  const bool is_another = answer.system != last.system || answer.timeline != last.timeline;
  is_promoted_ = is_promoted_ || (last.system != 0 && is_another);
  last = {answer.system, answer.timeline};
  system_ = answer.system;
  timeline_ = answer.timeline;
  samples_.clear();
}

void RollCall::note_primary(const Answer& answer, TimePoint asked) {
  if (!may_lead(*topology_.primary)) return;
  // It may have been promoted again, past us; or be another server at the same name.
  if (answer.timeline != timeline_) note_leader(answer);
  topology_.primary_seen = asked;
  topology_.servers[*topology_.primary].covered = asked;
  const Position end = end_of_last_record(answer.position);
  if (!samples_.empty() && end < samples_.back().position) samples_.clear();  // it has lost some, by a crash
  if (samples_.size() == kMostSamples) samples_.pop_front();
  samples_.push_back({asked, end});
}

/// What it covers, as the primary's answers tell. On another timeline its log may be another one.
void RollCall::note_replica(Server& server, const Answer& answer) {
  if (server.timeline != timeline_ || answer.system != system_) return;
  const auto beyond = std::ranges::upper_bound(samples_, answer.position, {}, &Sample::position);
  if (beyond != samples_.begin()) server.covered = std::max(server.covered, std::prev(beyond)->asked);
}

std::vector<RollCall::Change> RollCall::judge(TimePoint now) {
  std::vector<Change> changes;
  for (std::size_t at = 0; at < sights_.size(); ++at) {
    Server& server = topology_.servers[at];
    auto [state, reason] = judge_server(at);
    const bool changed = state != server.state || (state == State::refused && reason != server.reason);
    if (state == State::up && server.state != State::up) server.up_since = now;
    const State before = std::exchange(server.state, state);
    server.reason = std::move(reason);
    const bool leads = has_new_primary_ && topology_.primary == at;
    if (changed || leads) {
      changes.push_back({at, server.role, before, state, server.reason, leads, leads && is_promoted_});
    }
  }
  has_new_primary_ = is_promoted_ = false;
  return changes;
}

RollCall::Verdict RollCall::judge_server(std::size_t server) const {
  const Sight& sight = sights_[server];
  if (!is_there(sight)) {
    if (sight.failures < rules_.tries)
      return {State::unknown, sight.why.empty() ? "it has not answered yet" : sight.why};
    return {State::down, sight.why};
  }
  if (topology_.primary == server && may_lead(server)) return {State::up, {}};
  if (!sight.answer.is_in_recovery) return judge_claim(server);
  if (topology_.primary == server) return {State::lagging, "it was the primary, and is in recovery now"};
  if (!topology_.primary) return {State::lagging, "no primary has been found yet"};
  if (sight.answer.system != system_) {
    return {State::refused, "it belongs to another cluster than the primary"};
  }
  return judge_replica(server);
}

/// It says that it is a primary, and is not the one that is used.
RollCall::Verdict RollCall::judge_claim(std::size_t server) const {
  const Answer& answer = sights_[server].answer;
  const Timeline last = newest(answer.system);
  if (answer.timeline < last && (!topology_.primary || topology_.primary == server)) {
    const bool was_led = answer.system == topology_.history.system && topology_.history.timeline == last;
    return {State::refused,
            fmt::format("it says that it is the primary, on timeline {}, but {} timeline {}: another server "
                        "has been promoted; make it a replica of that, or stop it",
                        answer.timeline, was_led ? "the last primary wrote" : "a replica follows", last)};
  }
  if (!topology_.primary)
    return {State::unknown, "it says that it is the primary; others have not answered yet"};
  if (answer.system != system_) return {State::refused, "it is the primary of another cluster"};
  return {State::refused,
          fmt::format("it says that it is the primary, on timeline {}, but {} is on timeline {}; make it a "
                      "replica of that, or stop it",
                      answer.timeline, topology_.servers[*topology_.primary].name, timeline_)};
}

RollCall::Verdict RollCall::judge_replica(std::size_t at) const {
  const Server& server = topology_.servers[at];
  if (server.timeline == 0) {
    return {State::lagging,
            "it does not receive the primary's changes; or the upstream's user may not see that it does, and "
            "needs the role pg_read_all_stats"};
  }
  if (server.timeline != timeline_) {
    return {State::lagging,
            fmt::format("it follows timeline {}, the primary is on {}", server.timeline, timeline_)};
  }
  if (std::string others = other_settings(at); !others.empty()) return {State::refused, std::move(others)};
  if (server.covered == TimePoint()) return {State::lagging, "it has not caught up with the primary yet"};
  const auto lag = std::chrono::duration_cast<Duration>(topology_.primary_seen - server.covered);
  if (lag > rules_.max_lag) {
    return {State::lagging, fmt::format("it is more than {} ms behind the primary", rules_.max_lag.count())};
  }
  return {State::up, {}};
}

/// Empty: there are none.
std::string RollCall::other_settings(std::size_t server) const {
  std::string others;
  for (const auto& [name, value] : sights_[server].settings) {
    const AnswerSettings& wanted = sights_[*topology_.primary].settings;
    const auto there = wanted.find(name);
    if (there == wanted.end() || there->second == value) continue;
    if (!others.empty()) others += ", ";
    others += fmt::format("{} is '{}' there and '{}' here", name, there->second, value);
  }
  if (others.empty()) return others;
  return fmt::format("it would answer in another way than the primary: {}; set them alike", others);
}

}  // namespace forebay::route
