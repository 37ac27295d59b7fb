// What is recommended by what statements and caches come to.

#include <utility>

#include <gtest/gtest.h>

#include "advise/test_moments.hpp"
#include "engine/worth.hpp"

namespace forebay::advise {
namespace {

using test::calm;
using test::say;
using test::settings;
using test::statement;

constexpr const char* kRead = "SELECT name FROM goods WHERE id = $1";

/// A minute in which this statement was called so often, and took so long.
std::pair<Moment, Moment> minute_of(const char* text, std::uint64_t calls, double seconds) {
  Moment before = calm(0);
  before.statements = {statement(text, 1, 0, 0)};
  Moment now = calm(60);
  now.statements = {statement(text, 1, calls, seconds)};
  return {before, now};
}

TEST(CacheOffTest, SpeaksFromAHundredthOfAProcessorOn) {
  auto [before, now] = minute_of(kRead, 6000, 0.61);
  EXPECT_TRUE(say(kCacheOff, {before, now}).empty()) << "the cache is not off";
  settings(now).cache.enabled = config::CacheUse::off;
  const auto found = say(kCacheOff, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].gain.unit, Unit::server_seconds_per_hour);
  EXPECT_NEAR(found[0].gain.value, 36.6, 0.01);
  now.statements = {statement(kRead, 1, 6000, 0.59)};
  EXPECT_TRUE(say(kCacheOff, {before, now}).empty());
  now.statements = {statement(kRead, 1, 59, 10)};
  EXPECT_TRUE(say(kCacheOff, {before, now}).empty()) << "less than one a second";
}

TEST(CacheOffTest, DoesNotSpeakOfWhatNoCacheWouldKeep) {
  for (const char* text : {"UPDATE goods SET name = $1", "SELECT name FROM goods FOR UPDATE", "SELECT $1"}) {
    auto [before, now] = minute_of(text, 6000, 30);
    settings(now).cache.enabled = config::CacheUse::off;
    EXPECT_TRUE(say(kCacheOff, {before, now}).empty()) << text;
  }
}

TEST(CacheStatementTest, SaysWhatItCostsAndWhy) {
  auto [before, now] = minute_of("SELECT stamp(id) FROM goods", 6000, 30);
  EXPECT_TRUE(say(kCacheStatement, {before, now}).empty());
  now.statements[0].refusal = "stamp() is not known to be immutable";
  const auto found = say(kCacheStatement, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NE(found[0].evidence.find("stamp() is not known to be immutable. 6,000 calls of it took 30 s"),
            std::string::npos)
      << found[0].evidence;
  now.statements[0].figures.exec_micros = 590'000;
  EXPECT_TRUE(say(kCacheStatement, {before, now}).empty()) << "too cheap";
}

TEST(CacheStatementTest, DoesNotSpeakOfWhatIsNoRead) {
  for (const char* text : {"UPDATE goods SET name = $1", "SELECT id FROM goods FOR UPDATE", "BEGIN",
                           "SELECT oid FROM pg_catalog.pg_class"}) {
    auto [before, now] = minute_of(text, 6000, 30);
    now.statements[0].refusal = "whatever";
    EXPECT_TRUE(say(kCacheStatement, {before, now}).empty()) << text;
  }
}

TEST(LeaveOutTest, IsOfResultsThatAreKeptInVain) {
  auto [before, now] = minute_of(kRead, 6000, 3);
  auto& counted = now.statements[0];
  counted.kept = 511;
  EXPECT_TRUE(say(kLeaveOut, {before, now}).empty()) << "too few to judge";
  counted.kept = 1024;
  counted.used_again = 64;
  EXPECT_TRUE(say(kLeaveOut, {before, now}).empty()) << "one in sixteen";
  counted.used_again = 63;
  const auto found = say(kLeaveOut, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text,
            "policies:\n  leave-out-00000000:\n    statement: \"SELECT name FROM goods WHERE id = $1\"\n    "
            "keep: false");
  counted.figures.hits = 400;
  EXPECT_TRUE(say(kLeaveOut, {before, now}).empty()) << "of late it helps";
}

TEST(LeaveOutTest, IsNotSaidOfStatementsThatAreCountedTogether) {
  auto [before, now] = minute_of(kRead, 6000, 3);
  now.statements[0].kept = 1024;
  now.statements.push_back(statement("SELECT 1 FROM other", 1 + 1024, 1, 0));
  ASSERT_EQ(engine::Worth::place_of(now.statements[0].fingerprint),
            engine::Worth::place_of(now.statements[1].fingerprint));
  EXPECT_TRUE(say(kLeaveOut, {before, now}).empty());
}

pgfront::CacheFacts cache_of(cache::Level level) {
  pgfront::CacheFacts facts;
  facts.database = "shop";
  facts.client_databases = {"shop"};
  facts.server = "db:5432";
  facts.level = level;
  return facts;
}

/// A minute in which a database was asked often.
std::pair<Moment, Moment> asked_minute(cache::Level level) {
  Moment before = calm(0);
  before.traffic["shop"] = {};
  Moment now = calm(60);
  now.traffic["shop"].queries = 6000;
  now.caches = {cache_of(level)};
  return {before, now};
}

TEST(CacheLevelTest, SpeaksOfSilentCachesThatAreAsked) {
  auto [before, now] = asked_minute(cache::Level::bounded);
  EXPECT_TRUE(say(kCacheLevel, {before, now}).empty());
  now.caches = {cache_of(cache::Level::none)};
  ASSERT_EQ(say(kCacheLevel, {before, now}).size(), 1U);
  EXPECT_EQ(say(kCacheLevel, {before, now})[0].title, "Let the cache of shop run");
  now.caches[0].database = "its_name_on_the_server";
  EXPECT_EQ(say(kCacheLevel, {before, now}).size(), 1U) << "clients call it shop";
  now.caches[0].client_databases = {"another"};
  EXPECT_TRUE(say(kCacheLevel, {before, now}).empty()) << "the traffic is another's";
  now.caches = {cache_of(cache::Level::none)};
  now.traffic["shop"].queries = 59;
  EXPECT_TRUE(say(kCacheLevel, {before, now}).empty()) << "nobody would notice";
  now.traffic["shop"].queries = 6000;
  now.caches = {cache_of(cache::Level::outbox)};
  EXPECT_TRUE(say(kCacheLevel, {before, now}).empty()) << "it was chosen, and has no trouble";
  now.caches[0].trouble = "wal_level is replica";
  EXPECT_EQ(say(kCacheLevel, {before, now})[0].title, "Let the cache of shop prove its freshness");
}

// Whatever was the matter, the server was to be restarted with another wal_level.
TEST(CacheLevelTest, AdvisesWhatHelpsAgainstTheTroubleAtHand) {
  auto minute = asked_minute(cache::Level::ttl);
  const auto advice = [&minute](std::string_view trouble) {
    minute.second.caches[0].trouble = trouble;
    return say(kCacheLevel, {minute.first, minute.second}).at(0);
  };
  EXPECT_EQ(advice("logical decoding requires wal_level >= logical").change.text,
            "ALTER SYSTEM SET wal_level = logical;");
  for (const std::string_view other :
       {"all replication slots are in use: raise max_replication_slots",
        "the replication slot waits for transactions that were running before it to end",
        "permission denied: the upstream's user needs the REPLICATION attribute", "connection refused"}) {
    EXPECT_EQ(advice(other).change.text, "") << other;
  }
  EXPECT_NE(advice("the replication slot waits for transactions that were running before it to end")
                .advice.find("oldest transaction"),
            std::string::npos);
}

TEST(CacheMemoryTest, SpeaksOfAFullStoreThatSeldomHelps) {
  Moment before = calm(0);
  before.caches = {cache_of(cache::Level::bounded)};
  Moment now = calm(60);
  now.caches = before.caches;
  now.caches[0].hits = 2'999;
  now.caches[0].misses = 3'001;
  now.evictions = 10;
  now.store_bytes = 900'001;
  const auto found = say(kCacheMemory, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text, "cache:\n  size: 2000000B");
  now.caches[0].hits = 3'001;
  EXPECT_TRUE(say(kCacheMemory, {before, now}).empty()) << "it helps";
  now.caches[0].hits = 0;
  now.store_bytes = 900'000;
  EXPECT_TRUE(say(kCacheMemory, {before, now}).empty()) << "it is not full";
  now.store_bytes = 1'000'000;
  now.evictions = 0;
  EXPECT_TRUE(say(kCacheMemory, {before, now}).empty()) << "nothing had to go";
}

TEST(LifetimesTest, SpeaksWhenNobodyHasGivenAny) {
  auto [before, now] = minute_of(kRead, 6000, 3);
  before.caches = now.caches = {cache_of(cache::Level::bounded)};
  EXPECT_TRUE(say(kLifetimes, {before, now}).empty());
  before.caches = now.caches = {cache_of(cache::Level::ttl)};
  const auto found = say(kLifetimes, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].change.text,
            "policies:\n  \"shop-reads\":\n    relations: [\"goods\"]\n    lifetime: 5s");
  now.caches[0].fills = 1;
  EXPECT_TRUE(say(kLifetimes, {before, now}).empty()) << "a comment has given one";
  now.caches[0].fills = 0;
  settings(now).policies["mine"].lifetime = std::chrono::seconds(1);
  EXPECT_TRUE(say(kLifetimes, {before, now}).empty());
}

engine::Repetition repetition(std::uint64_t windows, std::uint64_t executions, double seconds) {
  engine::Repetition made;
  made.fingerprint = {7, 7};
  made.database = "shop";
  made.text = "SELECT title FROM books WHERE shelf = $1";
  made.figures = {.windows = windows,
                  .executions = executions,
                  .most = 20,
                  .micros = static_cast<std::uint64_t>(seconds * 1e6),
                  .first_seen = TimePoint()};
  made.places = 1;
  made.source = {.fingerprint = {8, 8}, .text = "SELECT id FROM shelves", .column = "id", .parameter = 1};
  made.rewrite = "SELECT shelf, title FROM books WHERE shelf = ANY($1)";
  return made;
}

TEST(RepetitionTest, CountsWhatOneStatementWouldSave) {
  Moment before = calm(0);
  before.repetitions = {repetition(0, 0, 0)};
  Moment now = calm(60);
  now.repetitions = {repetition(10, 200, 0.06)};
  EXPECT_TRUE(say(kRepetition, {before, now}).empty()) << "3.4 s an hour: of 0.06 s a twentieth stays";
  now.repetitions = {repetition(10, 200, 0.07)};
  auto found = say(kRepetition, {before, now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].gain.value, 0.07 * 0.95 * 60, 1e-9);
  EXPECT_EQ(found[0].urgency, Urgency::consider);
  EXPECT_EQ(found[0].change.text, "SELECT shelf, title FROM books WHERE shelf = ANY($1);");
  EXPECT_NE(found[0].gain.text.find("11,400 round trips fewer"), std::string::npos) << found[0].gain.text;
  now.repetitions = {repetition(10, 200, 7)};
  EXPECT_EQ(say(kRepetition, {before, now})[0].urgency, Urgency::soon);
}

TEST(RepetitionTest, IsCountedOnceWhenItCameWhileItWasToldForTheFirstTime) {
  Moment before = calm(0);
  before.repetitions = {repetition(10, 200, 0.07)};
  before.repetitions[0].figures.first_seen = before.at;
  Moment now = calm(60);
  now.repetitions = before.repetitions;
  EXPECT_TRUE(say(kRepetition, {before, now}).empty());
}

TEST(RepetitionTest, SaysNothingWhenAThreadHasLetItGo) {
  Moment before = calm(0);
  before.repetitions = {repetition(1000, 20'000, 700)};
  Moment now = calm(60);
  now.repetitions = {repetition(500, 10'000, 350)};
  EXPECT_TRUE(say(kRepetition, {before, now}).empty()) << "what is left was long ago";
}

TEST(RepetitionTest, SaysNothingOfWhatIsNotConfirmedOrLongAgo) {
  Moment before = calm(0);
  before.repetitions = {repetition(0, 0, 0)};
  Moment now = calm(60);
  now.repetitions = {repetition(10, 200, 7)};
  now.repetitions[0].source.parameter = 0;
  EXPECT_TRUE(say(kRepetition, {before, now}).empty());
  now.repetitions = before.repetitions = {repetition(10, 200, 7)};
  EXPECT_TRUE(say(kRepetition, {before, now}).empty());
}

TEST(RepetitionTest, IsMeasuredWhileTheEarlierStatementIsAsked) {
  Moment before = calm(0);
  before.repetitions = {repetition(0, 0, 0)};
  before.statements = {statement("SELECT id FROM shelves", 8, 0, 0)};
  Moment now = calm(60);
  now.repetitions = {repetition(10, 200, 7)};
  now.statements = {statement("SELECT id FROM shelves", 8, 10, 0.1)};
  const auto found = say(kRepetition, {before, now});
  ASSERT_EQ(found.size(), 1U);
  const auto measure = test::measured(kRepetition, found[0], {before, now});
  ASSERT_TRUE(measure);
  EXPECT_NEAR(measure->amount / measure->weight, 420, 1e-9);
  EXPECT_EQ(measure->traffic, 10);
  now.statements.clear();
  EXPECT_FALSE(test::measured(kRepetition, found[0], {before, now}));
}

monitor::MissingIndex missing_index(std::uint64_t number) {
  return {
      .fingerprint = {number, number},
      .database = "shop",
      .text = "all of public.goods is read for the rows with a certain shelf, and no index begins with it",
      .evidence = "5 rows of about 50000 are expected to be left",
      .suggestion = "CREATE INDEX CONCURRENTLY ON public.goods (shelf);"};
}

TEST(MissingIndexTest, CountsAllStatementsThatWantTheSame) {
  const auto at = [](int second, double seconds) {
    Moment moment = calm(second);
    moment.statements = {statement("SELECT * FROM goods WHERE shelf = $1", 1, 10 + second, seconds),
                         statement("SELECT id FROM goods WHERE shelf = $1", 2, 20 + second, 2 * seconds)};
    return moment;
  };
  Moment now = at(60, 1);
  EXPECT_TRUE(say(kMissingIndex, {at(0, 0), now}).empty()) << "no plan wants anything";
  now.missing_indexes = {missing_index(1), missing_index(2), missing_index(3)};
  const auto found = say(kMissingIndex, {at(0, 0), now});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].title, "Make an index for SELECT id FROM goods WHERE shelf = $1");
  EXPECT_EQ(found[0].change.text, "CREATE INDEX CONCURRENTLY ON public.goods (shelf);");
  EXPECT_NEAR(found[0].gain.value, 180, 1e-9);
  EXPECT_EQ(found[0].urgency, Urgency::consider);
  EXPECT_NE(found[0].evidence.find("120 calls of the 2 statements that want this took 3 s"),
            std::string::npos)
      << found[0].evidence;
  now = at(60, 0.19);
  now.missing_indexes = {missing_index(1), missing_index(2)};
  EXPECT_TRUE(say(kMissingIndex, {at(0, 0), now}).empty()) << "34 s an hour";
  now = at(60, 3);
  now.missing_indexes = {missing_index(2)};
  EXPECT_EQ(say(kMissingIndex, {at(0, 0), now})[0].urgency, Urgency::soon);
}

TEST(MissingIndexTest, IsMeasuredOfTheDearestWhateverItsPlanWants) {
  Moment before = calm(0);
  before.statements = {statement("SELECT id FROM goods WHERE shelf = $1", 2, 0, 0)};
  Moment now = calm(60);
  now.statements = {statement("SELECT id FROM goods WHERE shelf = $1", 2, 100, 5)};
  now.missing_indexes = {missing_index(2)};
  const auto found = say(kMissingIndex, {before, now});
  ASSERT_EQ(found.size(), 1U);
  now.missing_indexes.clear();
  const auto measure = test::measured(kMissingIndex, found[0], {before, now});
  ASSERT_TRUE(measure);
  EXPECT_NEAR(measure->amount / measure->weight, 50, 1e-9);
  EXPECT_EQ(measure->traffic, 100);
}

TEST(CalmTest, NothingIsSaidOfAForebayThatIsWell) {
  Moment before = calm(0);
  before.caches = {cache_of(cache::Level::bounded)};
  before.statements = {statement(kRead, 1, 0, 0)};
  Moment now = calm(60);
  now.caches = {cache_of(cache::Level::bounded)};
  now.caches[0].hits = 5'000;
  now.caches[0].misses = 1'000;
  now.statements = {statement(kRead, 1, 6'000, 3)};
  test::pool(now).traffic = {.assignments = 1'000, .query_micros = 3'000'000, .wait_micros = 1'000};
  for (const Kind* kind : kinds()) EXPECT_TRUE(say(*kind, {before, now}).empty()) << kind->name;
}

}  // namespace
}  // namespace forebay::advise
