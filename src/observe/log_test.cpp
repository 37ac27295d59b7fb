#include "observe/log.hpp"

#include <gtest/gtest.h>

namespace forebay::observe {
namespace {

std::string logged(const Event& event) {
  start_logging();
  testing::internal::CaptureStderr();
  event.warning();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, FactsFollowWhatHappened) {
  const std::string line =
      logged(Event("client has left").with("user", "app").with("pid", 17U).with("database", ""));
  EXPECT_TRUE(line.ends_with(" warning client has left user=app pid=17\n")) << line;
}

TEST(Log, ValuesWithSpacesAreQuoted) {
  const std::string line = logged(Event("e").with("user", R"(a "b" \c)"));
  EXPECT_TRUE(line.ends_with(R"( e user="a \"b\" \\c")"
                             "\n"))
      << line;
}

TEST(Log, NothingMakesASecondLine) {
  const std::string line = logged(Event("e").with("user", "x\n2026-01-01 info forged\x1b[2J"));
  EXPECT_TRUE(line.ends_with(R"( e user="x\n2026-01-01 info forged\x1b[2J")"
                             "\n"))
      << line;
}

}  // namespace
}  // namespace forebay::observe
