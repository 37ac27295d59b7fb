#include "monitor/lock_trees.hpp"

#include <string>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

namespace forebay::monitor {
namespace {

/// "1(2(3)4)": 2 and 4 wait for 1, 3 waits for 2.
std::string written(const boost::json::array& trees) {
  std::string text;
  for (const auto& tree : trees) {
    const auto& node = tree.as_object();
    text += std::to_string(node.at("pid").as_int64());
    const std::string below = written(node.at("waiting").as_array());
    text += below.empty() ? " " : "(" + below + ")";
  }
  return text;
}

std::string trees_of(const char* sessions) {
  const auto activity = boost::json::parse(std::string(R"({"sessions":)") + sessions + "}");
  return written(lock_trees(&activity.as_object()));
}

TEST(LockTrees, ThoseThatWaitStandBelowWhomTheyWaitFor) {
  EXPECT_EQ(trees_of(R"([{"pid":3,"blocked_by":[2]},{"pid":2,"blocked_by":[1]},{"pid":1,"blocked_by":[]},
                         {"pid":4,"blocked_by":[1]},{"pid":9,"blocked_by":[]}])"),
            "1(2(3 )4 )");
}

TEST(LockTrees, EachStandsThereOnceAndACircleHasABeginning) {
  EXPECT_EQ(trees_of(R"([{"pid":3,"blocked_by":[1,2]},{"pid":2,"blocked_by":[]},{"pid":1,"blocked_by":[]}])"),
            "1(3 )2 ");
  EXPECT_EQ(trees_of(R"([{"pid":7,"blocked_by":[5]},{"pid":5,"blocked_by":[7]}])"), "5(7 )");
}

TEST(LockTrees, APreparedTransactionAndNoAnswerAtAll) {
  EXPECT_EQ(trees_of(R"([{"pid":3,"blocked_by":[0]}])"), "0(3 )");
  EXPECT_TRUE(lock_trees(nullptr).empty());
}

}  // namespace
}  // namespace forebay::monitor
