#include "judge.hpp"

#include <algorithm>
#include <cstdio>

namespace checker {

namespace {

constexpr const char* kRightsMissing = "42501";

const char* name_of(Route route) {
  return route == Route::through ? "through Forebay" : "past Forebay";
}

const char* name_of(Fate fate) {
  switch (fate) {
    case Fate::pending:
      return "not answered yet";
    case Fate::committed:
      return "acknowledged";
    case Fate::aborted:
      return "rolled back";
    case Fate::unknown:
      return "outcome unknown";
  }
  return "";
}

}  // namespace

Version Judge::version_in(const Answer& answer) {
  if (!answer.ok() || answer.rows() != 1 || answer.columns() < 2) return -1;
  return answer.number(0, 1).value_or(-1);
}

void Judge::judge(const Reading& reading, const Answer& answer, Memory& memory) {
  const Family& family = reading.target.family;
  if (!answer.ok() && !(family.for_limited && answer.sqlstate() == kRightsMissing)) {
    return error(reading.client, reading.query.with_literals(), answer);
  }
  ++(reading.client.route() == Route::through ? reads_through_ : reads_around_);
  if (family.for_limited) return judge_presence(reading, answer.ok() && answer.rows() > 0);

  bool there = false;
  std::map<const Register*, Version> together;
  for (int row = 0; answer.ok() && row < answer.rows(); ++row) {
    Register* target = world_.find(family, answer.number(row, 0).value_or(0));
    if (!target) continue;
    there = there || target == &reading.target;
    for (int column = 1; column < answer.columns(); ++column) {
      const Version version = answer.number(row, column).value_or(-1);
      const auto [first, is_first] = together.try_emplace(target, version);
      if (!is_first && first->second != version) {
        complain(reading, *target, std::to_string(first->second) + " and " + std::to_string(version), {},
                 "torn");
      }
      if (is_first) judge_version(reading, *target, version, memory);
    }
  }
  if (there) return;
  if (family.comes_and_goes()) return judge_presence(reading, false);
  // A table that was rewritten is empty for snapshots of before:
  // https://www.postgresql.org/docs/15/mvcc-caveats.html
  if (!family.obeys_snapshots && reading.target.history.written_between(reading.begin - bound_, reading.end))
    return;
  complain(reading, reading.target, "no row", {}, "row missing");
}

void Judge::judge_version(const Reading& reading, Register& target, Version version, Memory& memory) {
  ++versions_checked_;
  if (target.family.comes_and_goes() && version == 0) return judge_presence(reading, false);
  const bool through = reading.client.route() == Route::through;
  const std::string seen = std::to_string(version);
  if (!target.history.possible(version, reading.end)) {
    return complain(reading, target, seen, {}, "never committed");
  }
  const auto bound = through ? bound_ : Clock::duration::zero();
  const Requirement required =
      target.history.required(reading.begin, bound, reading.client.id(), reading.client.route());
  if (version < required.version) complain(reading, target, seen, required, required.rule);
  if (through) note_staleness(reading, target, version);

  auto& last = memory.last[&target];
  if (version < last.version && through && replicas_ &&
      version >= target.history.shown_before(reading.begin)) {
    ++seen_early_;
  } else if (version < last.version) {
    const std::string text = reading.query.text + (reading.format == Format::binary ? " (binary)" : "");
    const bool same = last.text == text;
    complain(reading, target, seen, {last.version, "", last.end},
             same ? "went back" : "went back, another statement");
  }
  last = {version, reading.query.text + (reading.format == Format::binary ? " (binary)" : ""), reading.end};
}

void Judge::judge_presence(const Reading& reading, bool odd) {
  ++versions_checked_;
  Register& target = reading.target;
  const auto bound = reading.client.route() == Route::through ? bound_ : Clock::duration::zero();
  const Requirement required =
      target.history.required(reading.begin, bound, reading.client.id(), reading.client.route());
  if (target.history.possible_parity(required.version, odd, reading.end)) return;
  complain(reading, target, odd ? "readable" : "not there", required, required.rule);
}

void Judge::note_staleness(const Reading& reading, const Register& target, Version version) {
  const auto staleness = target.history.staleness(version, reading.begin);
  if (staleness <= Clock::duration::zero()) return;
  const auto slot = std::chrono::duration_cast<std::chrono::milliseconds>(staleness).count();
  ++staleness_[std::min<std::size_t>(static_cast<std::size_t>(slot), kStalenessSlots - 1)];
}

void Judge::complain(const Reading& reading, const Register& target, const std::string& seen,
                     const Requirement& required, const std::string& rule) {
  std::string text = target.name() + " was seen as " + seen;
  if (required.known != Instant{}) {
    text += ", but must be at least " + std::to_string(required.version) + ", known since " +
            seconds(required.known) + "\n  " + describe(target, required.version);
  }
  text += "\n  " + describe(reading);
  if (!seen.empty() && seen[0] >= '0' && seen[0] <= '9') {
    text += "\n  " + describe(target, std::stoll(seen)) + "\n  " + describe(target, std::stoll(seen) + 1);
  }
  report(reading.client.route() == Route::around ? "the checker itself: " + rule : rule, text);
}

void Judge::own_read(const Session& client, const Register& target, const char* path, Version written,
                     Version seen) {
  report("own write, before its end", target.name() + ": client " + std::to_string(client.id()) + " " +
                                          name_of(client.route()) + " wrote " + std::to_string(written) +
                                          " by " + path + " and then saw " + std::to_string(seen));
}

void Judge::unrepeatable(const Session& client, const Register& target, Version first, Version second) {
  report("not repeatable", target.name() + ": client " + std::to_string(client.id()) + " read " +
                               std::to_string(first) + " and then " + std::to_string(second) +
                               " in one snapshot");
}

void Judge::seen_though_rolled_back(const Register& target, Version version) {
  report("never committed",
         target.name() + ": was seen, but rolled back later\n  " + describe(target, version));
}

void Judge::differs_at_the_end(const Session& client, const Query& query, Protocol protocol, Format format,
                               const std::string& through, const std::string& around) {
  report("end", "client " + std::to_string(client.id()) + " reads " + query.with_literals() + " (" +
                    checker::name_of(protocol) + (format == Format::binary ? ", binary" : ", text") +
                    ")\n  through Forebay: " + through + "\n  past Forebay:    " + around);
}

void Judge::error(const Session& client, const std::string& what, const Answer& answer) {
  std::string state(answer.lost() && answer.sqlstate().empty() ? "lost" : answer.sqlstate());
  if (answer.never_sent()) state = "not connected";
  const std::lock_guard lock(mutex_);
  auto& count = errors_[(client.route() == Route::through ? "through " : "past ") + state];
  if (count++ < 2) error_examples_.push_back(what + ": " + answer.error());
}

void Judge::report(const std::string& rule, const std::string& text) {
  const std::lock_guard lock(mutex_);
  ++violations_[rule];
  if (reports_.size() < kReports) reports_.push_back(rule + ": " + text);
}

std::string Judge::describe(const Reading& reading) const {
  std::string text = "read by client " + std::to_string(reading.client.id()) + " " +
                     name_of(reading.client.route()) + " (" + checker::name_of(reading.protocol) +
                     (reading.format == Format::binary ? ", binary" : ", text") + "), from " +
                     seconds(reading.begin) + " to " + seconds(reading.end) + ": " + reading.query.text;
  for (const std::string& value : reading.query.values) text += " | " + value;
  return text;
}

std::string Judge::describe(const Register& target, Version version) const {
  const Write write = target.history.write(version);
  std::string text = "version " + std::to_string(version) + ": by " + write.path;
  if (version == 0 || write.sent == Instant{}) return text;
  text += ", client " + std::to_string(write.client) + " " + name_of(write.route) + ", sent " +
          seconds(write.sent) + ", " + name_of(write.fate);
  if (write.ended != Instant{}) text += " " + seconds(write.ended);
  return text;
}

std::string Judge::seconds(Instant when) const {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6f s", std::chrono::duration<double>(when - start_).count());
  return text.data();
}

Judge::Summary Judge::summary() const {
  Summary found{.reads_through = reads_through_,
                .reads_around = reads_around_,
                .versions_checked = versions_checked_,
                .seen_early = seen_early_};
  for (const auto& slot : staleness_) found.stale_reads += slot;
  std::uint64_t below = 0;
  for (std::size_t slot = 0; slot < staleness_.size(); ++slot) {
    if (staleness_[slot] == 0) continue;
    const auto milliseconds = static_cast<double>(slot + 1);
    if (2 * below < found.stale_reads) found.staleness_p50_ms = milliseconds;
    if (100 * below < 99 * found.stale_reads) found.staleness_p99_ms = milliseconds;
    found.staleness_max_ms = milliseconds;
    below += staleness_[slot];
  }
  const std::lock_guard lock(mutex_);
  found.violations = violations_;
  found.reports = reports_;
  found.errors = errors_;
  found.error_examples = error_examples_;
  return found;
}

}  // namespace checker
