#include "engine/prepared_statement.hpp"

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <malloc.h>

namespace forebay::engine {
namespace {

PreparedStatementPtr shared(std::string_view text) {
  return intern_statement(text, {}, {}, {}, {});
}

/// Sanitizers have an allocator of their own: there it does not change.
std::size_t allocated_bytes() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(PreparedStatement, IsOneForAllWhoHoldItAtTheSameTime) {
  auto one = shared("SELECT 1");
  const auto id = one->id;
  EXPECT_EQ(shared("SELECT 1"), one);
  EXPECT_NE(shared("SELECT 2"), one);
  EXPECT_NE(intern_statement("SELECT 1", {}, {}, {}, {.schema_epoch = 1, .settings = {}}), one);
  one.reset();
  EXPECT_GT(shared("SELECT 1")->id, id);
}

TEST(PreparedStatement, TextsThatNobodyHeldAnyMoreStayedInTheTable) {
  constexpr std::size_t kSize = 32'000;
  constexpr int kMany = 900;
  const std::size_t before = allocated_bytes();
  {
    std::vector<PreparedStatementPtr> held;
    for (int i = 0; i < kMany; ++i)
      held.push_back(shared("SELECT " + std::to_string(i) + std::string(kSize, ' ')));
  }
  EXPECT_LT(allocated_bytes(), before + kMany * kSize / 10);
}

TEST(PreparedStatement, TheLastHolderMayLetGoWhileAnotherComes) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 20'000; ++round) EXPECT_EQ(shared("SELECT 1")->text, "SELECT 1");
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto one = shared("SELECT 1");
  EXPECT_EQ(shared("SELECT 1"), one);
}

}  // namespace
}  // namespace forebay::engine
