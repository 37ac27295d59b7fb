#include "route/roll_call.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace forebay::route {
namespace {

constexpr std::uint64_t kSystem = 7;

TimePoint at(int milliseconds) {
  return TimePoint() + std::chrono::hours(1) + Duration(milliseconds);
}

Answer primary(Position position, Timeline timeline = 1, std::uint64_t system = kSystem) {
  return {.is_in_recovery = false, .position = position, .timeline = timeline, .system = system};
}

Answer replica(Position position, Timeline timeline = 1, std::uint64_t system = kSystem) {
  return {.is_in_recovery = true, .position = position, .timeline = timeline, .system = system};
}

class RollCallTest : public testing::Test {
 protected:
  State state(std::size_t server, int now = 0) {
    calls_.judge(at(now));
    return calls_.topology().servers[server].state;
  }
  std::optional<std::size_t> leader() { return calls_.topology().primary; }
  TimePoint covered(std::size_t server) { return calls_.topology().servers[server].covered; }

  RollCall calls_{1, {{"a:1"}, {"b:2"}, {"c:3"}}, {.max_lag = Duration(1'000), .tries = 2}};
};

TEST_F(RollCallTest, NobodyLeadsBeforeAllHaveBeenHeardOf) {
  calls_.note_answer(0, primary(100), at(0));
  calls_.note_answer(1, replica(100), at(0));
  EXPECT_EQ(leader(), std::nullopt);
  calls_.note_failure(2, "refused");
  EXPECT_EQ(leader(), 0u);
  EXPECT_EQ(state(2), State::unknown);
  calls_.note_failure(2, "refused");
  EXPECT_EQ(state(2), State::down);
}

TEST_F(RollCallTest, AReplicaCoversWhatThePrimaryHadWrittenWhenItWasAsked) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(90), at(0));
  calls_.note_answer(0, primary(100), at(10));
  calls_.note_answer(0, primary(200), at(20));
  calls_.note_answer(1, replica(150), at(21));
  calls_.note_answer(2, replica(99), at(21));
  EXPECT_EQ(covered(1), at(10));
  EXPECT_EQ(covered(2), TimePoint());
  EXPECT_EQ(state(1), State::up);
  EXPECT_EQ(state(2), State::lagging);
  calls_.note_answer(1, replica(200), at(30));
  EXPECT_EQ(covered(1), at(20));
}

TEST_F(RollCallTest, TheHeadOfANewPageIsNotWaitedFor) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(0), at(0));
  calls_.note_answer(0, primary(8192 + 24), at(10));
  calls_.note_answer(1, replica(8192), at(11));
  calls_.note_answer(2, replica(8191), at(11));
  EXPECT_EQ(covered(1), at(10));
  EXPECT_EQ(covered(2), TimePoint());
}

TEST_F(RollCallTest, WhoIsTooFarBehindIsLeftOutUntilItHasCaughtUp) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(90), at(0));
  calls_.note_answer(0, primary(100), at(10));
  calls_.note_answer(1, replica(100), at(11));
  EXPECT_EQ(state(1), State::up);
  calls_.note_answer(0, primary(200), at(1'500));
  EXPECT_EQ(state(1), State::lagging);
  calls_.note_answer(1, replica(200), at(1'501));
  EXPECT_EQ(state(1), State::up);
}

TEST_F(RollCallTest, WithoutAPrimaryNobodyFallsFurtherBehind) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(90), at(0));
  calls_.note_answer(0, primary(100), at(10));
  calls_.note_answer(1, replica(100), at(11));
  for (int i = 0; i < 2; ++i) calls_.note_failure(0, "gone");
  EXPECT_EQ(state(0, 9'000), State::down);
  EXPECT_EQ(state(1, 9'000), State::up);
  EXPECT_EQ(leader(), 0u);
}

TEST_F(RollCallTest, APromotedReplicaLeadsAndTheFormerPrimaryIsRefused) {
  calls_.note_answer(0, primary(100), at(0));
  calls_.note_answer(2, replica(100), at(0));
  calls_.note_answer(1, replica(100), at(0));
  calls_.note_answer(0, primary(100), at(1));
  ASSERT_EQ(leader(), 0u);
  calls_.judge(at(2));
  calls_.note_answer(1, primary(150, 2), at(10));
  EXPECT_EQ(leader(), 1u);
  const auto changes = calls_.judge(at(11));
  EXPECT_EQ(std::ranges::count(changes, true, &RollCall::Change::is_new_primary), 1);
  calls_.note_answer(0, primary(300, 1), at(20));
  EXPECT_EQ(leader(), 1u);
  EXPECT_EQ(state(0), State::refused);
  EXPECT_NE(calls_.topology().servers[0].reason.find("timeline"), std::string::npos);
}

TEST_F(RollCallTest, TheFirstToAnswerMayBeADemotedOne) {
  calls_.note_answer(0, primary(300, 1), at(0));
  calls_.note_answer(1, primary(150, 2), at(1));
  calls_.note_answer(2, replica(150, 2), at(2));
  EXPECT_EQ(leader(), 1u);
  EXPECT_EQ(state(0), State::refused);
}

TEST_F(RollCallTest, AReplicaOfAnotherHistoryCoversNothing) {
  calls_.note_answer(0, primary(100), at(0));
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(0));
  calls_.note_answer(1, primary(150, 2), at(10));
  calls_.note_answer(2, replica(900, 1), at(11));
  EXPECT_EQ(state(2), State::lagging);
  EXPECT_LT(covered(2), at(10));
  calls_.note_answer(2, replica(900, 2), at(12));
  EXPECT_EQ(state(2), State::up);
}

TEST_F(RollCallTest, AReplicaThatDoesNotReceiveAnyMoreIsStillWhereItWas) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(0));
  calls_.note_answer(0, primary(100), at(1));
  calls_.note_answer(1, replica(100, 0), at(2));
  EXPECT_EQ(state(1), State::up);
}

TEST_F(RollCallTest, AReplicaOnAHigherTimelineShowsThatThePrimaryHasBeenReplaced) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(0));
  calls_.note_answer(0, primary(100), at(1));
  EXPECT_EQ(state(0), State::up);
  calls_.note_answer(1, replica(110, 2), at(2));
  calls_.note_answer(0, primary(120), at(3));
  EXPECT_EQ(state(0), State::refused);
}

TEST_F(RollCallTest, AnotherClustersServersAreRefused) {
  calls_.note_answer(0, primary(100), at(0));
  calls_.note_answer(1, replica(100, 5, kSystem + 1), at(0));
  calls_.note_answer(2, replica(100), at(0));
  EXPECT_EQ(leader(), 0u);
  calls_.note_answer(0, primary(100), at(1));
  EXPECT_EQ(state(1), State::refused);
  calls_.note_answer(1, primary(100, 9, kSystem + 1), at(2));
  EXPECT_EQ(leader(), 0u);
  EXPECT_EQ(state(1), State::refused);
}

TEST_F(RollCallTest, APrimaryThatComesBackLeadsOn) {
  calls_.note_answer(0, primary(100), at(0));
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(0));
  for (int i = 0; i < 3; ++i) calls_.note_failure(0, "gone");
  EXPECT_EQ(state(0), State::down);
  // It has lost what it had not flushed: what was known of positions counts no more.
  calls_.note_answer(0, primary(95), at(10));
  EXPECT_EQ(state(0), State::up);
  calls_.note_answer(1, replica(95), at(11));
  EXPECT_EQ(covered(1), at(10));
}

TEST_F(RollCallTest, AFormerPrimaryIsRefusedAfterAReload) {
  calls_.note_answer(0, primary(100), at(0));
  calls_.note_answer(1, primary(150, 2), at(0));
  calls_.note_failure(2, "gone");
  ASSERT_EQ(leader(), 1u);
  RollCall after{2, {{"a:1"}, {"b:2"}}, {.tries = 2}, calls_.topology().history};
  for (int i = 0; i < 2; ++i) after.note_failure(1, "gone");
  after.note_answer(0, primary(900, 1), at(10));
  after.judge(at(11));
  EXPECT_EQ(after.topology().primary, std::nullopt);
  EXPECT_EQ(after.topology().servers[0].state, State::refused);
  EXPECT_NE(after.topology().servers[0].reason.find("the last primary wrote timeline 2"), std::string::npos);
  after.note_answer(1, primary(160, 2), at(20));
  EXPECT_EQ(after.topology().primary, 1u);
  const auto changes = after.judge(at(21));
  EXPECT_EQ(std::ranges::count(changes, true, &RollCall::Change::is_new_primary), 1);
  EXPECT_EQ(std::ranges::count(changes, true, &RollCall::Change::is_promoted), 0);
}

TEST_F(RollCallTest, AReloadMayLeadToAnotherCluster) {
  RollCall after{2, {{"a:1"}}, {}, {.system = kSystem, .timeline = 9}};
  after.note_answer(0, primary(100, 1, kSystem + 1), at(0));
  EXPECT_EQ(after.topology().primary, 0u);
  EXPECT_EQ(after.topology().history.system, kSystem + 1);
  const auto changes = after.judge(at(1));
  EXPECT_EQ(std::ranges::count(changes, true, &RollCall::Change::is_promoted), 1);
}

TEST_F(RollCallTest, AServerAtAnotherAddressIsUnknownUntilItHasAnswered) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(0));
  calls_.note_answer(0, primary(100), at(1));
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(1));
  ASSERT_EQ(state(1), State::up);
  const auto before = calls_.topology().servers[1].incarnation;
  for (std::size_t server : {0, 1}) calls_.note_move(server);
  EXPECT_NE(calls_.topology().servers[1].incarnation, before);
  EXPECT_EQ(covered(1), TimePoint());
  EXPECT_EQ(state(0), State::unknown);
  EXPECT_EQ(state(1), State::unknown);
  EXPECT_EQ(state(2), State::up);
  EXPECT_EQ(leader(), 0u);
  // The same server, as far as it can be told.
  calls_.note_answer(0, primary(110), at(20));
  const auto changes = calls_.judge(at(21));
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].before, State::unknown);
  EXPECT_EQ(changes[0].now, State::up);
  EXPECT_FALSE(changes[0].is_new_primary);
}

TEST_F(RollCallTest, ThePrimarysNameMayComeToMeanAPromotedServer) {
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(0));
  calls_.note_answer(0, primary(100), at(1));
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(1));
  calls_.judge(at(2));
  calls_.note_move(0);
  calls_.judge(at(3));
  calls_.note_answer(0, primary(90, 2), at(4));
  const auto changes = calls_.judge(at(5));
  ASSERT_EQ(changes.size(), 3u);  // the replicas have to follow the new timeline first
  EXPECT_TRUE(changes[0].is_new_primary && changes[0].is_promoted);
  calls_.note_move(0);
  calls_.note_answer(0, primary(900, 1), at(6));
  EXPECT_EQ(state(0), State::refused);
  EXPECT_NE(calls_.topology().servers[0].reason.find("the last primary wrote timeline 2"), std::string::npos);
}

TEST_F(RollCallTest, AReplicaThatIsSetToAnswerInAnotherWayIsRefused) {
  calls_.note_settings(0, {{"DateStyle", "ISO, MDY"}, {"TimeZone", "Etc/UTC"}});
  calls_.note_settings(1, {{"DateStyle", "ISO, MDY"}, {"TimeZone", "Asia/Tokyo"}});
  calls_.note_settings(2, {{"DateStyle", "ISO, MDY"}});  // a role's own TimeZone, which all servers share
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(0));
  calls_.note_answer(0, primary(100), at(1));
  for (std::size_t server : {1, 2}) calls_.note_answer(server, replica(100), at(2));
  EXPECT_EQ(state(1), State::refused);
  EXPECT_EQ(calls_.topology().servers[1].reason,
            "it would answer in another way than the primary: TimeZone is 'Etc/UTC' there and 'Asia/Tokyo' "
            "here; set them alike");
  EXPECT_EQ(state(2), State::up);

  calls_.note_settings(1, {{"DateStyle", "ISO, MDY"}, {"TimeZone", "Etc/UTC"}});
  calls_.note_answer(1, replica(100), at(3));
  EXPECT_EQ(state(1), State::up);
}

}  // namespace
}  // namespace forebay::route
