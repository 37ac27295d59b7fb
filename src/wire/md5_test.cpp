#include "wire/md5.hpp"

#include <gtest/gtest.h>

namespace forebay::wire {
namespace {

// Made by PostgreSQL 15: SET password_encryption = md5; ALTER ROLE probe PASSWORD 'correct horse'.
constexpr std::string_view kPostgresMade = "md595078886950b884e3b79045817a09e4d";

TEST(Md5Hash, IsWhatPostgresStores) {
  const Md5Hash hash = Md5Hash::from_password("probe", "correct horse");
  EXPECT_EQ(hash.text(), kPostgresMade);
  const auto parsed = Md5Hash::parse(kPostgresMade);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, hash);
  EXPECT_NE(hash, Md5Hash::from_password("other", "correct horse"));
}

TEST(Md5Hash, AnswersTheSalt) {
  const Md5Hash hash = Md5Hash::from_password("probe", "correct horse");
  const Md5Salt salt{std::byte{0}, std::byte{1}, std::byte{0xFE}, std::byte{0xFF}};
  // printf '95078886950b884e3b79045817a09e4d\x00\x01\xfe\xff' | md5sum
  EXPECT_EQ(hash.response(salt), "md514b0d8f945c2a5ade16aefca1bcbc9d0");
  EXPECT_TRUE(hash.accepts(hash.response(salt), salt));
  EXPECT_FALSE(hash.accepts(hash.response(salt), Md5Salt{}));
  EXPECT_FALSE(hash.accepts(hash.text(), salt));
  EXPECT_FALSE(hash.accepts("", salt));
}

TEST(Md5Hash, ParsesOnlyTheExactForm) {
  const std::string good(kPostgresMade);
  for (const std::string& text :
       {std::string(), std::string("md5"), good.substr(0, 34), good + "0", "MD5" + good.substr(3),
        "md5" + std::string(32, 'A'), "md5" + std::string(32, 'g')}) {
    EXPECT_FALSE(Md5Hash::parse(text)) << text;
  }
}

TEST(Md5Salt, IsFresh) {
  EXPECT_NE(make_md5_salt(), make_md5_salt());
}

}  // namespace
}  // namespace forebay::wire
