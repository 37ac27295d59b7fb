#include "write_steps.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

namespace checker {

namespace {

void replace(std::string& text, const std::string& what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

/// Sends all of it; the answer to the first text that fails, or to the last, and which that was.
std::pair<Answer, std::size_t> run_all(Session& session, const std::vector<std::string>& texts,
                                       const Attempt& attempt) {
  for (std::size_t at = 0; at + 1 < texts.size(); ++at) {
    Answer answer = session.run(filled(texts[at], attempt));
    if (!answer.ok()) return {std::move(answer), at};
  }
  return {session.run(filled(texts.back(), attempt)), texts.size() - 1};
}

Outcome outcome(Session& session, const Answer& answer) {
  if (answer.ok()) return {Fate::committed, session.route()};
  return {fate_of(session, answer), session.route()};
}

/// Ends a prepared transaction that may be there. True when it was, and is no more.
bool roll_back_prepared(const Attempt& attempt, const std::string& name) {
  Session& direct = attempt.session.route() == Route::around ? attempt.session : attempt.other;
  while (true) {
    const Answer answer = direct.run("ROLLBACK PREPARED '" + name + "'");
    if (answer.ok()) return true;
    if (answer.sqlstate() == "42704") return false;  // there is none
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool calls_code(const std::string& text) {
  return text.starts_with("DO ") || text.starts_with("CALL ") || text.starts_with("EXECUTE ") ||
         text.find("write_version(") != std::string::npos;
}

}  // namespace

std::string filled(std::string text, const Attempt& attempt) {
  const std::string key = attempt.target.key();
  replace(text, "{table}", attempt.target.family.table);
  replace(text, "{key}", attempt.target.family.key_style == KeyStyle::number ? key : "'" + key + "'");
  replace(text, "{n}", std::to_string(attempt.target.number));
  replace(text, "{v}", std::to_string(attempt.version));
  return text;
}

Fate fate_of(Session& session, const Answer& answer) {
  const bool undone = answer.surely_undone();
  if (!answer.lost()) session.run("ROLLBACK");
  return undone ? Fate::aborted : Fate::unknown;
}

Path script(const char* name, std::vector<std::string> texts) {
  const bool runs_code = std::ranges::any_of(texts, calls_code);
  return {name,
          [texts = std::move(texts)](const Attempt& attempt) {
            const auto [answer, at] = run_all(attempt.session, texts, attempt);
            if (at + 1 == texts.size()) return outcome(attempt.session, answer);
            fate_of(attempt.session, answer);
            return Outcome{Fate::aborted, attempt.session.route()};  // COMMIT was never sent
          },
          runs_code};
}

Path statement(const char* name, std::string text, Protocol protocol) {
  return {name, [text = std::move(text), protocol](const Attempt& attempt) {
            std::string with_table = text;
            replace(with_table, "{table}", attempt.target.family.table);
            const Query query{with_table, {std::to_string(attempt.version), attempt.target.key()}};
            return outcome(attempt.session, attempt.session.run(query, protocol, Format::text));
          }};
}

Path two_phase(const char* name, std::vector<std::string> texts, bool other_way) {
  texts.insert(texts.begin(), "BEGIN");
  return {name, [texts = std::move(texts), other_way](const Attempt& attempt) {
            static std::atomic<int> number = 0;
            const std::string gid = attempt.target.name() + "-" + std::to_string(++number);
            auto steps = texts;
            steps.push_back("PREPARE TRANSACTION '" + gid + "'");
            Session& second = other_way ? attempt.other : attempt.session;
            const auto [prepared, at] = run_all(attempt.session, steps, attempt);
            if (!prepared.ok()) {
              fate_of(attempt.session, prepared);
              roll_back_prepared(attempt, gid);
              return Outcome{Fate::aborted, attempt.session.route()};
            }
            const Answer answer = second.run("COMMIT PREPARED '" + gid + "'");
            if (answer.ok()) return Outcome{Fate::committed, second.route()};
            const bool undone = roll_back_prepared(attempt, gid);
            return Outcome{undone ? Fate::aborted : Fate::unknown, second.route()};
          }};
}

}  // namespace checker
