#include "monitor/visit.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/parse.hpp>

#include "backend/stream_reply.hpp"
#include "base/wall_clock.hpp"
#include "monitor/tidy.hpp"

namespace forebay::monitor {

namespace {

using backend::StreamConnection;
using Progress = StreamConnection::Progress;

/// More than the server's own limit for a statement (kSampleLimits in stream_connection.cpp).
constexpr Duration kPatience{8'000};
/// Questions wait for each other.
constexpr std::chrono::minutes kSlack{1};
/// A question is asked again when a hundred times what it took has passed.
constexpr int kShare = 100;

}  // namespace

Visit::Visit(std::shared_ptr<const backend::Target> target, Place place)
    : target_(std::move(target)),
      place_(std::move(place)),
      line_(StreamConnection::Purpose::samples, kPatience) {
  place_.since = unix_time();
}

void Visit::set_duties(bool is_primary, bool is_of_server, bool is_of_database) {
  place_.is_primary = is_primary;
  place_.is_of_server = is_of_server;
  place_.is_of_database = is_of_database;
}

bool Visit::is_duty(Topic topic) const {
  switch (topic_rules()[static_cast<std::size_t>(topic)].scope) {
    case Scope::everywhere:
      return true;
    case Scope::server:
      return place_.is_of_server;
    case Scope::database:
      return place_.is_of_database;
  }
  return false;
}

TimePoint Visit::next_event() const {
  if (!line_.is_open() || asking_) return line_.due();
  TimePoint next = TimePoint::max();
  for (const TopicRule& rule : topic_rules()) {
    if (is_duty(rule.topic)) next = std::min(next, plans_[static_cast<std::size_t>(rule.topic)].next);
  }
  return next;
}

void Visit::hurry(TimePoint now, Duration quick) {
  for (const TopicRule& rule : topic_rules()) {
    Plan& own = plan(rule.topic);
    if (rule.interval.count() == 0)
      own.next = std::min(own.next, std::max({now, own.asked + quick, own.earliest}));
  }
}

bool Visit::advance(TimePoint now, bool has_events, Duration quick) {
  if (!line_.is_open()) {
    std::string why;
    const Progress progress = line_.open(*target_, place_.database, now, has_events, why);
    if (progress == Progress::failed) return fail(std::move(why), now);
    if (progress == Progress::busy) return false;
    plans_ = {};  // whatever is there now, all is new
    return begin_next(now);
  }
  if (has_events) return read(now, quick);
  if (asking_) return line_.is_late(now) && fail(line_.lateness(), now);
  return begin_next(now);
}

/// The one that is due for longest; `about` before all others.
bool Visit::begin_next(TimePoint now) {
  std::optional<Topic> due;
  for (const TopicRule& rule : topic_rules()) {
    if (!is_duty(rule.topic) || plan(rule.topic).next > now) continue;
    if (!due || plan(rule.topic).next < plan(*due).next) due = rule.topic;
  }
  if (!due) return false;
  plan(*due).asked = now;
  const std::string question = question_for(*due, about_);
  if (question.empty()) {
    plan(*due).next = now + topic_rules()[static_cast<std::size_t>(*due)].interval;
    place_.topics[static_cast<std::size_t>(*due)] = {};
    return true;
  }
  asking_ = due;
  return !line_.ask(question, now) && fail(line_.connection().problem().text, now);
}

bool Visit::read(TimePoint now, Duration quick) {
  StreamConnection::Reply reply;
  StreamConnection& connection = line_.connection();
  const bool is_open = connection.transfer();
  if (!asking_) return !is_open && fail(connection.problem().text, now);
  const Progress progress = connection.take_reply(reply);
  if (progress == Progress::busy) return !is_open && fail(connection.problem().text, now);
  if (!is_open || (progress == Progress::failed && connection.problem().sqlstate.empty()))
    return fail(connection.problem().text, now);
  // Who asked has slept, it may be: by the time that it took nothing would be asked again for long.
  if (line_.is_late(now)) return fail(line_.lateness(), now);
  const Topic topic = *std::exchange(asking_, std::nullopt);
  Answered& answered = place_.topics[static_cast<std::size_t>(topic)];
  answered.problem = progress == Progress::failed ? connection.problem().text : std::string();
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - line_.began());
  place_.spent += took;
  const Duration own = topic_rules()[static_cast<std::size_t>(topic)].interval;
  const auto wanted = std::chrono::duration_cast<TimePoint::duration>(own.count() == 0 ? quick : own);
  plan(topic).earliest = line_.began() + took * kShare;
  plan(topic).next = std::max(line_.began() + wanted, plan(topic).earliest);
  if (progress == Progress::done) take(topic, reply);
  set_answering(true, {});
  begin_next(now);
  return true;
}

void Visit::take(Topic topic, const StreamConnection::Reply& reply) {
  Answered& answered = place_.topics[static_cast<std::size_t>(topic)];
  const auto tables = backend::tables_of(reply);
  if (tables.empty() || PQntuples(tables.front()) != 1) {
    answered.problem = "the answer has no row";
    return;
  }
  auto told = tidy(backend::value_of(tables.front(), 0, 0));
  if (!told) {
    answered.problem = told.error().text;
    return;
  }
  if (topic == Topic::about) learn_about(*told);
  const TimePoint began = line_.began();
  const TimePoint current_until = began + 2 * (plan(topic).next - began) + kSlack;
  answered.latest =
      std::make_shared<const Sample>(Sample{std::move(*told), began, unix_time(), current_until});
}

void Visit::learn_about(const boost::json::object& told) {
  if (const auto* version = told.if_contains("version"); version != nullptr && version->is_int64())
    about_.version = static_cast<int>(version->get_int64());
  const auto* schema = told.if_contains("statements_schema");
  about_.statements_schema = schema != nullptr && schema->is_string() ? schema->get_string().c_str() : "";
}

void Visit::set_answering(bool is_answering, const std::string& problem) {
  if (place_.is_answering != is_answering || place_.problem.empty() != problem.empty())
    place_.since = unix_time();
  place_.is_answering = is_answering;
  place_.problem = problem;
}

bool Visit::fail(std::string why, TimePoint now) {
  asking_.reset();
  set_answering(false, line_.close(std::move(why), now));
  return true;
}

}  // namespace forebay::monitor
