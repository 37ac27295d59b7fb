#include <gtest/gtest.h>

#include "advise/test_moments.hpp"

namespace forebay::advise {
namespace {

using test::calm;
using test::say;

pgfront::ServerFacts replica(route::State state) {
  pgfront::ServerFacts facts;
  facts.server.name = "b:5432";
  facts.server.role = route::Role::replica;
  facts.server.state = state;
  facts.is_watched = true;
  return facts;
}

TEST(ServersTest, NameWhatIsAwayAndWhatLags) {
  Moment now = calm(0);
  now.servers = {replica(route::State::up)};
  EXPECT_TRUE(say(kServerAway, {now}).empty());
  EXPECT_TRUE(say(kReplicaLagging, {now}).empty());
  now.servers = {replica(route::State::down), replica(route::State::up)};
  ASSERT_EQ(say(kServerAway, {now}).size(), 1U);
  EXPECT_EQ(say(kServerAway, {now})[0].title, "Bring b:5432 back");
  now.servers = {replica(route::State::lagging)};
  now.servers[0].lag_ms = 12'000;
  EXPECT_TRUE(say(kServerAway, {now}).empty());
  EXPECT_EQ(say(kReplicaLagging, {now})[0].evidence, "It is 12 s behind the primary and answers no reads.");
}

TEST(ServersTest, OnesThatAreNotKnownAreNotSpokenOf) {
  Moment now = calm(0);
  now.servers = {replica(route::State::unknown)};
  EXPECT_TRUE(say(kServerAway, {now}).empty());
  now.servers = {replica(route::State::down), replica(route::State::up)};
  now.servers[0].is_watched = false;
  EXPECT_TRUE(say(kServerAway, {now}).empty());
  now.servers = {replica(route::State::down), replica(route::State::up)};
  now.servers[0].is_primary = true;
  EXPECT_TRUE(say(kServerAway, {now}).empty()) << "readiness tells of it";
}

TEST(ServersTest, WhereNobodyAnswersNoOthersDoInItsPlace) {
  Moment now = calm(0);
  now.servers = {replica(route::State::down)};
  EXPECT_TRUE(say(kServerAway, {now}).empty()) << "readiness tells of it";
  now.servers.push_back(replica(route::State::down));
  EXPECT_TRUE(say(kServerAway, {now}).empty());
}

TEST(ReadinessTest, SaysWhatToDoAboutEachReason) {
  Moment now = calm(0);
  EXPECT_TRUE(say(kReadiness, {now}).empty());
  now.troubles = {{"paused", "all databases are paused"}, {"something_new", "who knows"}};
  EXPECT_EQ(say(kReadiness, {now}).size(), 1U) << "only what was ordered is certain at the first look";
  const auto found = say(kReadiness, {now, now});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].title, "End the pause");
  EXPECT_EQ(found[0].change.text, "RESUME;");
  EXPECT_EQ(found[1].title, "Clients cannot be served");
}

TEST(RestrictedDatabaseTest, NamesTheCommand) {
  Moment now = calm(0);
  now.databases.resize(1);
  now.databases[0].name = "my shop";
  EXPECT_TRUE(say(kRestrictedDatabase, {now}).empty());
  now.databases[0].is_paused = true;
  EXPECT_EQ(say(kRestrictedDatabase, {now})[0].change.text, "RESUME \"my shop\";");
  now.troubles = {{"paused", "all databases are paused"}};
  EXPECT_TRUE(say(kRestrictedDatabase, {now}).empty()) << "readiness tells of it";
  now.databases[0].is_paused = false;
  now.databases[0].is_disabled = true;
  EXPECT_EQ(say(kRestrictedDatabase, {now})[0].change.text, "ENABLE \"my shop\";");
}

}  // namespace
}  // namespace forebay::advise
