#include "wire/reply_tracker.hpp"

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "wire/error_message.hpp"
#include "wire/protocol.hpp"
#include "wire/writer.hpp"

namespace forebay::wire {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> found;
  for (std::string word; stream >> word;) found.push_back(word);
  return found;
}

std::string message(char type, std::string_view body) {
  Writer writer;
  writer.begin(type).text(body).end();
  return std::string(as_text(writer.bytes()));
}

/// A server's message for a word: its type, and after a colon what matters of the body. "E:42601", "Z:T",
/// "D:300" (a row of 300 bytes), "S:TimeZone=UTC".
std::string message_for(const std::string& word) {
  const char type = word.front();
  const std::string detail = word.size() > 2 ? word.substr(2) : "";
  switch (type) {
    case 'Z':
      return message('Z', detail.empty() ? "I" : detail);
    case 'E': {
      Writer writer;
      write_error(writer, {Severity::error, detail, "what happened", {}, {}});
      return std::string(as_text(writer.bytes()));
    }
    case 'S': {
      const auto equals = detail.find('=');
      return message('S', detail.substr(0, equals) + '\0' + detail.substr(equals + 1) + '\0');
    }
    case 'A':
      return message('A', std::string("\0\0\0\x07", 4) + "channel" + '\0' + "payload" + '\0');
    case 'D':
    case 'd':
    case 'T':
    case 'N':
    case 'V':
      return message(type, std::string(detail.empty() ? 3 : std::stoul(detail), 'x'));
    case 'C':
      return message('C', std::string("SELECT 1") + '\0');
    default:
      return message(type, "");
  }
}

std::string messages_for(const std::string& text) {
  std::string bytes;
  for (const std::string& word : words(text)) bytes += message_for(word);
  return bytes;
}

/// What is noted before some of the server's answers come. A word is a request, "-" before it for one of
/// ours, "+" for one that is answered here; a number after it is its tag: "parse:7", "-query", "+close"; one
/// after a slash the call that it names: "query/3"; a star behind it asks for rows.
Expectation expectation_for(std::string word) {
  Expectation expectation;
  if (word.front() == '-') expectation.silent = true;
  if (word.front() == '+') expectation.answered_here = true;
  if (expectation.silent || expectation.answered_here) word.erase(0, 1);
  if (word.back() == '*') {
    expectation.shows_rows = true;
    word.pop_back();
  }
  if (const auto slash = word.find('/'); slash != std::string::npos) {
    expectation.call = static_cast<std::uint32_t>(std::stoul(word.substr(slash + 1)));
    word.erase(slash);
  }
  if (const auto colon = word.find(':'); colon != std::string::npos) {
    expectation.tag = std::stoul(word.substr(colon + 1));
    word.erase(colon);
  }
  const std::pair<std::string_view, Request> names[] = {{"parse", Request::parse},
                                                        {"bind", Request::bind},
                                                        {"close", Request::close},
                                                        {"statement", Request::describe_statement},
                                                        {"portal", Request::describe_portal},
                                                        {"execute", Request::execute},
                                                        {"sync", Request::sync},
                                                        {"query", Request::query},
                                                        {"function", Request::function_call},
                                                        {"end", Request::copy_end}};
  for (const auto& [name, request] : names) {
    if (name == word) expectation.request = request;
  }
  return expectation;
}

/// One step: first these requests go to the server, then these messages come.
struct Step {
  std::string requests;
  std::string answers;
};

struct Script {
  std::string name;
  std::vector<Step> steps;
  std::string client;  ///< what the client gets; "=" when it is all that the server sent
  std::string events;
  bool idle = true;
  char status = 'I';
};

class Played final : public ReplyTracker::Observer {
 public:
  void expect(const std::string& requests) {
    for (const std::string& word : words(requests)) {
      splice_.clear();
      tracker_.expect(expectation_for(word), splice_, *this);
      take_output();
    }
  }

  /// Feeds bytes in pieces of at most `piece` bytes; what is not used is presented again with the next.
  bool feed(const std::string& bytes, std::size_t piece) {
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      pending_ += bytes.substr(at, piece);
      splice_.clear();
      const auto fed =
          tracker_.feed(reinterpret_cast<std::byte*>(pending_.data()), pending_.size(), splice_, *this);
      take_output();
      if (!fed.valid) return false;
      pending_.erase(0, fed.consumed);
    }
    return true;
  }

  const ReplyTracker& tracker() const { return tracker_; }
  const std::string& client() const { return client_; }
  const std::string& events() const { return events_; }
  const std::string& unused() const { return pending_; }
  std::string replacement;  ///< what errors are replaced by; empty: not
  bool keeps_errors = false;
  std::size_t longest_silent = 0;  ///< body of a message of an answer to a question

 private:
  void take_output() { client_ += as_text(splice_.finish()); }
  void note(const std::string& event) { events_ += (events_.empty() ? "" : " ") + event; }

  void on_done(const Expectation& done) override { note("done:" + std::to_string(done.tag)); }
  void on_skipped(const Expectation& skipped, bool failed) override {
    note((failed ? "failed:" : "skipped:") + std::to_string(skipped.tag));
  }
  void on_parameter_status(std::string_view name, std::string_view value) override {
    note(std::string(name) + "=" + std::string(value));
  }
  std::optional<std::string_view> on_error(const Expectation* cause, std::string_view body) override {
    note("error:" + std::string(error_field(body, 'C')) + (cause == nullptr ? "!" : ""));
    if (keeps_errors) return std::nullopt;
    return replacement.empty() ? body : replacement;
  }
  void on_command(const Expectation& expectation, char type, std::string_view body,
                  std::uint64_t rows) override {
    note(std::to_string(expectation.call) + type + std::to_string(rows) + std::string(body.substr(0, 6)));
  }
  void on_result(const Expectation&, char type, std::string_view body) override {
    note(std::string("shown:") + type + std::to_string(body.size()));
  }
  void on_silent_message(char type, std::string_view body) override {
    note(std::string("silent:") + type);
    longest_silent = std::max(longest_silent, body.size());
  }
  void on_ready(bool silent) override { note(silent ? "ours" : "ready"); }
  void on_notification(std::byte* process_id) override {
    note("notified");
    store_u32(process_id, 0x0a0b0c0d);
  }

  ReplyTracker tracker_;
  Splice splice_;
  std::string pending_;
  std::string client_;
  std::string events_;
};

const std::vector<Script> kScripts = {
    {"nothing", {}, "", ""},
    {"a query", {{"query", "T D D C Z"}}, "=", "ready"},
    {"an empty query", {{"query", "I Z"}}, "=", "ready"},
    {"several results", {{"query", "T D C C T C Z"}}, "=", "ready"},
    {"commands of calls",
     {{"query/1 query -query query/2", "T D D C I T D C Z T D C Z T D D C Z T D C Z"}},
     "T D D C I T D C Z T D C Z T D C Z",
     "1C2SELECT 1I0 1C1SELECT ready ready silent:T silent:D silent:D silent:C ours 2C1SELECT ready"},
    {"calls of a pipeline",
     {{"bind/1 execute/2 execute/3 sync bind/4 execute/5 sync", "2 D D s D C Z 2 D E:22012 Z"}},
     "=",
     "2s2 3C1SELECT ready error:22012 ready"},
    {"rows of what failed are no one else's",
     {{"query query/1", "T D E:22012 Z C Z"}},
     "=",
     "error:22012 ready 1C0SELECT ready"},
    {"a query that fails", {{"query", "T D E:22012 Z"}}, "=", "error:22012 ready"},
    {"a transaction", {{"query", "C Z:T"}}, "=", "ready", true, 'T'},
    {"a failed transaction", {{"query", "E:22012 Z:E"}}, "=", "error:22012 ready", true, 'E'},
    {"an answer that is not complete", {{"query", "T D"}}, "=", "", false},
    {"queries in a pipeline", {{"query query", "C Z E:1 Z"}}, "=", "ready error:1 ready"},
    {"notices and settings", {{"query", "N S:TimeZone=UTC C N Z"}}, "=", "TimeZone=UTC ready"},
    {"a setting that changes by itself", {{"", "S:TimeZone=UTC"}}, "=", "TimeZone=UTC"},
    {"a notice between queries", {{"", "N:40000"}}, "=", ""},
    {"a notice of the end", {{"", "E:57P01"}}, "=", "error:57P01!"},
    {"a function call", {{"function", "V Z"}}, "=", "ready"},
    {"a function call that fails", {{"function", "E:1 Z"}}, "=", "error:1 ready"},
    {"the extended protocol", {{"parse:7 bind portal execute sync", "1 2 T D C Z"}}, "=", "done:7 ready"},
    {"describing", {{"parse statement bind portal close sync", "1 t T 2 n 3 Z"}}, "=", "ready"},
    {"a statement that returns nothing", {{"statement sync", "t n Z"}}, "=", "ready"},
    {"a portal that is not done", {{"execute execute sync", "D s D C Z"}}, "=", "ready"},
    {"an empty statement", {{"execute sync", "I Z"}}, "=", "ready"},
    {"answers before the Sync", {{"parse:1", "1"}, {"bind", "2"}, {"sync", "Z"}}, "=", "done:1 ready"},
    {"an open batch", {{"parse:1 bind", "1 2"}}, "=", "done:1"},
    {"a Parse that fails", {{"parse:7 bind execute sync", "E:42601 Z"}}, "=", "error:42601 failed:7 ready"},
    {"what follows a failure",
     {{"bind parse:8 parse:9 sync", "E:26000 Z"}},
     "=",
     "error:26000 skipped:8 skipped:9 ready"},
    {"a failure, and requests after it",
     {{"bind", "E:26000"}, {"parse:8 execute query", ""}, {"sync", "Z"}},
     "=",
     "error:26000 skipped:8 ready"},
    {"a failure that nobody has ended", {{"execute", "E:22012"}}, "=", "error:22012", false},
    {"a failure between two Syncs", {{"execute sync execute sync", "C Z E:1 Z"}}, "=", "ready error:1 ready"},
    {"a failure before another batch",
     {{"execute parse:5 sync parse:6 sync", "E:1 Z 1 Z"}},
     "=",
     "error:1 skipped:5 ready done:6 ready"},
    {"a Parse of ours", {{"-parse:3 bind sync", "1 2 Z"}}, "2 Z", "done:3 ready"},
    {"a Close of ours", {{"-close:2 parse:3 sync", "3 1 Z"}}, "1 Z", "done:2 done:3 ready"},
    {"a Close of ours that is skipped", {{"bind -close:2 sync", "E:1 Z"}}, "=", "error:1 skipped:2 ready"},
    {"a Query of the extended protocol's time", {{"query:5", "C Z"}}, "=", "done:5 ready"},
    {"a Query that is skipped", {{"bind query:5 sync", "E:1 Z"}}, "=", "error:1 skipped:5 ready"},
    {"a Parse of ours that fails", {{"-parse:3 bind sync", "E:42P01 Z"}}, "=", "error:42P01 failed:3 ready"},
    {"a question of ours", {{"-query", "T D D C Z"}}, "", "silent:T silent:D silent:D silent:C ours"},
    {"a question that fails", {{"-query", "E:42501 Z"}}, "", "silent:E ours"},
    {"a question between queries",
     {{"query -query query", "C Z T C Z C Z"}},
     "C Z C Z",
     "ready silent:T silent:C ours ready"},
    {"a setting that a question changes",
     {{"-query", "S:TimeZone=UTC C Z"}},
     "",
     "TimeZone=UTC silent:C ours"},
    {"a notification during a question", {{"-query", "C Z"}}, "", "silent:C ours"},
    {"a Parse that is answered here", {{"+parse:4", ""}}, "1", "done:4"},
    {"a Close that is answered here", {{"+close:4", ""}}, "3", "done:4"},
    {"answers made up in their turn",
     {{"bind +parse:4 +close execute sync", "2 C Z"}},
     "2 1 3 C Z",
     "done:4 ready"},
    {"made up at the end of an answer", {{"execute +close", "C"}}, "C 3", ""},
    {"made up after a row", {{"execute +close sync", "D:300 C Z"}}, "D:300 C 3 Z", "ready"},
    {"nothing is made up after a failure",
     {{"bind +parse:4 +close sync", "E:1 Z"}},
     "=",
     "error:1 skipped:4 ready"},
    {"nothing is made up while skipping",
     {{"bind", "E:1"}, {"+parse:4 +close", ""}, {"sync", "Z"}},
     "=",
     "error:1 skipped:4 ready"},
    {"COPY in", {{"query", "G"}, {"end", "C Z"}}, "=", "ready"},
    {"COPY in that fails", {{"query", "G E:22P02 Z"}, {"end", ""}}, "=", "error:22P02 ready"},
    {"COPY in, extended", {{"execute", "G"}, {"end sync", "C Z"}}, "=", "ready"},
    {"COPY in, extended, with an early Sync", {{"execute sync", "G"}, {"end sync", "C Z"}}, "=", "ready"},
    {"COPY in, extended, all at once", {{"execute sync end sync", "G C Z"}}, "=", "ready"},
    {"COPY in, with a Sync in the middle", {{"execute", "G"}, {"sync end sync", "C Z"}}, "=", "ready"},
    {"COPY in, extended, that fails",
     {{"execute sync", "G E:1"}, {"end sync", "Z"}, {"-query", "I Z"}},
     "G E:1 Z",
     "error:1 ready silent:I ours"},
    {"COPY in that fails before it reads a Sync",
     {{"query", "G"}, {"sync", "E:1 Z Z"}},
     "=",
     "error:1 ready ready"},
    {"COPY in that fails after it has read a Sync",
     {{"query", "G"}, {"sync end", "E:1 Z"}, {"-query", "I Z"}},
     "G E:1 Z",
     "error:1 ready silent:I ours"},
    {"two COPY in, a Sync between their ends", {{"query", "G"}, {"end sync end", "C G C Z"}}, "=", "ready"},
    {"COPY in that has read many Syncs, with more ends behind its own",
     {{"query", "G"}, {"sync sync sync sync end sync end end sync", "C Z Z Z"}},
     "=",
     "ready ready ready"},
    {"COPY in that is refused", {{"execute sync", "E:42P01 Z"}}, "=", "error:42P01 ready"},
    {"COPY out", {{"query", "H d d c C Z"}}, "=", "ready"},
    {"COPY out, extended", {{"execute sync", "H d c C Z"}}, "=", "ready"},
    {"COPY out that fails", {{"query", "H d E:1 Z"}}, "=", "error:1 ready"},
    {"COPY both ways", {{"query", "W d d"}}, "=", "", false},
    {"large rows", {{"query", "T D:100000 D:70000 C Z"}}, "=", "ready"},
    {"large rows of a question", {{"-query", "T D:100000 C Z"}}, "", "silent:T silent:D silent:C ours"},
    {"a large notice", {{"query", "N:50000 C Z"}}, "=", "ready"},
    {"a large description", {{"statement sync", "t T:50000 Z"}}, "=", "ready"},
};

class Scripts : public ::testing::TestWithParam<Script> {};

void play(const Script& script, std::size_t piece) {
  SCOPED_TRACE("in pieces of " + std::to_string(piece));
  Played played;
  std::string all;
  for (const Step& step : script.steps) {
    played.expect(step.requests);
    const std::string bytes = messages_for(step.answers);
    all += bytes;
    ASSERT_TRUE(played.feed(bytes, piece));
  }
  const std::string expected = script.client == "=" ? all : messages_for(script.client);
  EXPECT_TRUE(played.client() == expected)
      << played.client().size() << " bytes instead of " << expected.size();
  EXPECT_EQ(played.events(), script.events);
  EXPECT_EQ(played.tracker().is_idle(), script.idle);
  EXPECT_EQ(played.tracker().transaction_status(), script.status);
  EXPECT_EQ(played.unused(), "");
  EXPECT_FALSE(played.tracker().is_inside_message());
}

TEST_P(Scripts, HoweverTheBytesAreCut) {
  for (const std::size_t piece : {1UL, 2UL, 3UL, 5UL, 7UL, 64UL, 4096UL, 1UL << 30}) play(GetParam(), piece);
}

/// A name for the test runner: letters and digits only.
std::string name_of(const ::testing::TestParamInfo<Script>& info) {
  std::string name;
  for (const char c : info.param.name) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(ReplyTracker, Scripts, ::testing::ValuesIn(kScripts), name_of);

struct Broken {
  std::string requests;
  std::string bytes;
};

std::string header(char type, std::uint32_t length) {
  std::string bytes(5, type);
  store_u32(reinterpret_cast<std::byte*>(bytes.data() + 1), length);
  return bytes;
}

TEST(ReplyTracker, RefusesWhatNoServerSends) {
  const Broken cases[] = {
      {"", message_for("1")},
      {"", message_for("2")},
      {"", message_for("3")},
      {"", message_for("C")},
      {"", message_for("Z")},
      {"", message_for("n")},
      {"bind", message_for("1")},
      {"parse", message_for("2")},
      {"parse", message_for("Z")},
      {"execute", message_for("Z")},
      {"sync", message_for("3")},
      {"query", message('Z', "")},
      {"query", message('Z', "II")},
      {"query", message('S', "no end")},
      {"query", message('A', "abc")},
      {"query", message('?', "")},
      {"query", message('R', std::string(4, '\0'))},
      {"query", message('K', std::string(8, '\0'))},
      {"query", header('D', 3)},
      {"query", header('D', 0)},
      {"query", header('D', 0x4000'0000)},
      {"query", header('D', 0xffff'ffff)},
      {"query", header('C', ReplyTracker::kMaxWholeMessage + 1)},
      {"query", header('Z', ReplyTracker::kMaxWholeMessage + 1)},
      {"query", header('S', 0x3fff'fffe)},
  };
  for (const Broken& broken : cases) {
    Played played;
    played.expect(broken.requests);
    EXPECT_FALSE(played.feed(broken.bytes, 1UL << 30))
        << "request \"" << broken.requests << "\", message " << broken.bytes.front();
  }
}

TEST(ReplyTracker, ReplacesTheWordsOfAnError) {
  for (const std::size_t piece : {1UL, 1UL << 30}) {
    Played played;
    played.replacement = std::string("Mour words") + '\0' + '\0';
    played.expect("bind sync");
    ASSERT_TRUE(played.feed(messages_for("E:26000 Z"), piece));
    EXPECT_EQ(played.client(), message('E', played.replacement) + message_for("Z"));
  }
}

TEST(ReplyTracker, GathersLongRowsOfAQuestion) {
  for (const std::size_t piece : {7UL, 5'000UL, 1UL << 30}) {
    Played played;
    played.expect("-query query");
    ASSERT_TRUE(played.feed(messages_for("T D:40000 D:70000 C Z T D:40000 C Z"), piece));
    EXPECT_EQ(played.longest_silent, 70'000U);
    EXPECT_EQ(played.events(), "silent:T silent:D silent:D silent:C ours ready");
    EXPECT_EQ(played.client(), messages_for("T D:40000 C Z"));
  }
}

TEST(ReplyTracker, SaysThatARowOfAQuestionIsTooLong) {
  Played played;
  played.expect("-query");
  ASSERT_TRUE(played.feed(message_for("D:" + std::to_string(ReplyTracker::kMaxSilentRow)), 1UL << 16));
  ASSERT_TRUE(played.feed(messages_for("C Z"), 1));
  EXPECT_EQ(played.events(), "silent:D silent:C ours");
  EXPECT_LT(played.longest_silent, 20U);
}

TEST(ReplyTracker, PassesNoErrorOnThatTheOwnerKeeps) {
  for (const std::size_t piece : {1UL, 1UL << 30}) {
    Played played;
    played.keeps_errors = true;
    played.expect("query");
    ASSERT_TRUE(played.feed(messages_for("C Z E:57P01"), piece));
    EXPECT_EQ(played.client(), messages_for("C Z"));
  }
}

TEST(ReplyTracker, ChangesTheSenderOfANotification) {
  Played played;
  ASSERT_TRUE(played.feed(message_for("A"), 1));
  std::string expected = message_for("A");
  expected.replace(5, 4, "\x0a\x0b\x0c\x0d");
  EXPECT_EQ(played.client(), expected);
  EXPECT_EQ(played.events(), "notified");
}

TEST(ReplyTracker, KnowsWhenTheClientIsInsideAMessage) {
  Played played;
  played.expect("query");
  const std::string row = message_for("D:1000");
  ASSERT_TRUE(played.feed(row.substr(0, 500), 1UL << 30));
  EXPECT_TRUE(played.tracker().is_inside_message());
  ASSERT_TRUE(played.feed(row.substr(500), 1UL << 30));
  EXPECT_FALSE(played.tracker().is_inside_message());

  Played ours;
  ours.expect("-query");
  ASSERT_TRUE(ours.feed(message_for("D:100000").substr(0, 60000), 1UL << 30));
  EXPECT_FALSE(ours.tracker().is_inside_message());
}

TEST(ReplyTracker, PassesAnErrorOnThatIsTooLongToBeLookedAt) {
  Played played;
  played.expect("parse:7 sync");
  std::string body = std::string("SERROR") + '\0' + "M" + std::string(50'000, 'm') + '\0' + '\0';
  const std::string error = message('E', body);
  ASSERT_TRUE(played.feed(error + message_for("Z"), 1000));
  EXPECT_TRUE(played.client() == error + message_for("Z"));
  EXPECT_EQ(played.events(), "error: failed:7 ready");
  EXPECT_TRUE(played.tracker().is_idle());
}

TEST(ReplyTracker, LongMessagesAreTreatedAlikeWhetherTheyComeAtOnceOrInPieces) {
  const std::string error = message('E', std::string("M") + std::string(50'000, 'm') + '\0' + '\0');
  const std::string result = message('C', std::string(50'000, 'c') + '\0');
  for (const std::size_t piece : {1000UL, 1UL << 30}) {
    Played played;
    played.replacement = "never asked for";
    played.expect("query");
    ASSERT_TRUE(played.feed(error, piece));
    EXPECT_TRUE(played.client() == error);
    EXPECT_FALSE(played.feed(result, piece));
  }
}

TEST(ReplyTracker, MakesNoAnswerUpInTheMiddleOfAMessage) {
  for (const char* flowing : {"N:1000", "T:1000"}) {
    Played played;
    if (*flowing == 'T') played.expect("statement");
    const std::string message = message_for(flowing);
    ASSERT_TRUE(played.feed(message.substr(0, 500), 1UL << 30));
    played.expect("+parse:4");
    EXPECT_TRUE(played.client() == message.substr(0, 500));
    ASSERT_TRUE(played.feed(message.substr(500), 1UL << 30));
    EXPECT_TRUE(played.client() == message + message_for("1"));
    EXPECT_EQ(played.events(), "done:4");
    EXPECT_TRUE(played.tracker().is_idle());
  }
}

TEST(ReplyTracker, ShowsWholeRowsToWhoeverAsks) {
  Played played;
  played.expect("query* query");
  const std::string rows = messages_for("T:30 D:7 D:300");
  EXPECT_TRUE(played.feed(rows, rows.size()));
  EXPECT_EQ(played.events(), "shown:T30 shown:D7 shown:D300");
  EXPECT_TRUE(played.feed(messages_for("D:300"), 100));
  EXPECT_TRUE(played.feed(messages_for("C Z T:30 D:7 C Z"), 500));
  EXPECT_EQ(played.events(), "shown:T30 shown:D7 shown:D300 ready ready")
      << "a row in pieces is not, nor the next";
  EXPECT_EQ(played.client(), rows + messages_for("D:300 C Z T:30 D:7 C Z"));
}

TEST(ReplyTracker, TellsWhenTheServerReadsCopyData) {
  Played played;
  played.expect("execute");
  ASSERT_TRUE(played.feed(message_for("G"), 100));
  EXPECT_TRUE(played.tracker().is_copy_in());
  played.expect("end");
  EXPECT_FALSE(played.tracker().is_copy_in());
}

// In one pass: each Sync that it had read moved everything behind it by one place once.
TEST(ReplyTracker, ACopyLeavesWhatIsBehindItsOwnEnd) {
  constexpr std::size_t kMany = 100;
  Played played;
  played.expect("query");
  ASSERT_TRUE(played.feed(message_for("G"), 100));
  for (const char* request : {"sync", "end"}) {
    for (std::size_t i = 0; i < kMany; ++i) played.expect(request);
  }
  EXPECT_EQ(played.tracker().outstanding(), 1 + 2 * kMany);
  ASSERT_TRUE(played.feed(message_for("C"), 100));
  EXPECT_EQ(played.tracker().outstanding(), kMany) << "its Syncs and its own end are gone, and nothing else";
  ASSERT_TRUE(played.feed(message_for("Z"), 100));
  EXPECT_TRUE(played.tracker().is_idle());
  EXPECT_EQ(played.events(), "ready");
}

TEST(ReplyTracker, KnowsWhoseAnswerIsNext) {
  Played played;
  played.expect("query -query");
  EXPECT_FALSE(played.tracker().in_silent_query());
  ASSERT_TRUE(played.feed(messages_for("C Z"), 100));
  EXPECT_TRUE(played.tracker().in_silent_query());
  EXPECT_EQ(played.tracker().outstanding(), 1U);
}

}  // namespace
}  // namespace forebay::wire
