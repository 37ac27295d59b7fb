#include "backend/login.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace forebay::backend {
namespace {

/// The body of an authentication request.
std::string request(std::uint32_t code, std::string_view data = {}) {
  std::byte bytes[4];
  store_u32(bytes, code);
  return std::string(as_text(bytes)).append(data);
}

constexpr std::uint32_t kOk = 0;
constexpr std::uint32_t kSasl = 10;

class LoginTest : public testing::Test {
 protected:
  bool take(char type, std::string_view body) { return login_.on_message(type, body, reply_); }

  Login login_{{{"database", "db"}, {"user", "me"}}, wire::SecretText("secret"), false, {}};
  wire::Writer reply_;
};

TEST_F(LoginTest, EndsWithTheFirstReadyForQuery) {
  ASSERT_TRUE(take('R', request(kOk)));
  ASSERT_TRUE(take('S', std::string_view("TimeZone\0UTC\0", 13)));
  ASSERT_TRUE(take('K', std::string_view("\0\0\0\x07\0\0\0\x09", 8)));
  EXPECT_FALSE(login_.is_finished());
  ASSERT_TRUE(take('Z', "I"));
  EXPECT_TRUE(login_.is_finished());
  EXPECT_EQ(login_.outcome().parameters, (std::vector<wire::Parameter>{{"TimeZone", "UTC"}}));
  EXPECT_EQ(login_.outcome().cancel_key, (wire::CancelKey{7, 9}));
}

TEST_F(LoginTest, AServerThatLeavesAuthenticationOutIsNotBelieved) {
  EXPECT_FALSE(take('Z', "I"));
  EXPECT_FALSE(login_.is_finished());
}

TEST_F(LoginTest, AServerThatLeavesTheEndOfScramOutIsNotBelieved) {
  for (const char last : {'Z', 'R'}) {
    Login login({{"user", "me"}}, wire::SecretText("secret"), false, {});
    ASSERT_TRUE(login.on_message('R', request(kSasl, std::string_view("SCRAM-SHA-256\0\0", 15)), reply_));
    EXPECT_FALSE(login.on_message(last, last == 'Z' ? "I" : request(kOk), reply_)) << last;
    EXPECT_FALSE(login.is_finished());
  }
}

}  // namespace
}  // namespace forebay::backend
