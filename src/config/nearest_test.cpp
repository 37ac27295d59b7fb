#include "config/nearest.hpp"

#include <gtest/gtest.h>

namespace forebay::config {
namespace {

const std::vector<std::string> kKeys = {"upstream", "listen", "threads", "pool", "limits", "timeouts"};

TEST(Nearest, FindsWhatWasMeant) {
  const std::pair<const char*, const char*> cases[] = {{"upsteam", "upstream"},
                                                       {"UPSTREAM", "upstream"},
                                                       {"lisetn", "listen"},
                                                       {"pools", "pool"},
                                                       {"timeout", "timeouts"}};
  for (const auto& [word, meant] : cases) EXPECT_EQ(nearest(word, kKeys), meant) << word;
}

TEST(Nearest, StaysSilentWhenNothingIsClose) {
  for (const char* word : {"", "x", "zzzzzz", "database"})
    EXPECT_EQ(nearest(word, kKeys), std::nullopt) << word;
  EXPECT_EQ(nearest(std::string(1'000'000, 'l'), kKeys), std::nullopt);
  EXPECT_EQ(nearest("listen", {}), std::nullopt);
}

}  // namespace
}  // namespace forebay::config
