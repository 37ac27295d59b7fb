#include "config/values.hpp"

#include <string>

#include <gtest/gtest.h>

namespace forebay::config {
namespace {

constexpr Range kAny{0, kLongestDuration};

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().text;
}

TEST(Duration, ReadsEveryUnitAndSums) {
  const std::pair<const char*, std::int64_t> cases[] = {
      {"0", 0},          {"250ms", 250},      {"30s", 30'000},        {"5min", 300'000},
      {"1h", 3'600'000}, {"7d", 604'800'000}, {"1h30min", 5'400'000}, {"0.5s", 500},
      {" 2 s ", 2000},   {"0s", 0},           {"1.0005s", 1001}};
  for (const auto& [text, milliseconds] : cases) {
    const auto duration = parse_duration(text, kAny);
    ASSERT_TRUE(duration) << text << ": " << duration.error().text;
    EXPECT_EQ(duration->count(), milliseconds) << text;
  }
}

TEST(Duration, RefusesWhatIsNoDuration) {
  for (const char* text :
       {"", "30", "s", "-1s", "1x", "1.2.3s", "1e3s", "1s1", "0x1s", "inf", "nan s", "1 s 2"}) {
    EXPECT_FALSE(parse_duration(text, kAny)) << text;
  }
  EXPECT_NE(error_of(parse_duration("30", kAny)).find("has no unit"), std::string::npos);
  EXPECT_NE(error_of(parse_duration("10m", kAny)).find("minutes are min"), std::string::npos);
  EXPECT_NE(error_of(parse_duration("0.1ms", kAny)).find("shorter than 1ms"), std::string::npos);
  EXPECT_NE(error_of(parse_duration("9999d", kAny)).find("out of range"), std::string::npos);
  EXPECT_FALSE(parse_duration(std::string(100'000, '9') + "s", kAny));
}

TEST(Duration, IsWrittenInItsLargestUnit) {
  for (const char* text : {"0", "1ms", "1500ms", "90s", "90min", "36h", "2d"}) {
    EXPECT_EQ(to_text(*parse_duration(text, kAny)), text);
  }
  EXPECT_EQ(to_text(Duration(60'000)), "1min");
}

TEST(Size, NeedsAUnitAndStaysInItsRange) {
  constexpr Range kSizes{1ULL << 10, 4ULL << 40};
  const std::pair<const char*, const char*> cases[] = {{"256MiB", "256MiB"}, {"256M", "256MiB"},
                                                       {"0.5GiB", "512MiB"}, {"1 G", "1GiB"},
                                                       {"2MB", "2000000B"},  {"4096B", "4KiB"}};
  for (const auto& [text, shown] : cases) EXPECT_EQ(to_text(*parse_byte_size(text, kSizes)), shown) << text;
  for (const char* text :
       {"", "64", "MiB", "-1MiB", "1e3MiB", "1MiBs", "infMiB", "5TiB", "1023B", "4097GiB"}) {
    EXPECT_FALSE(parse_byte_size(text, kSizes)) << text;
  }
  EXPECT_NE(error_of(parse_byte_size("64", kSizes)).find("has no unit"), std::string::npos);
  EXPECT_NE(error_of(parse_byte_size("1B", kSizes)).find("from 1KiB to 4096GiB"), std::string::npos);
}

TEST(Count, HasToBeAWholeNumberInItsRange) {
  EXPECT_EQ(*parse_count("20", {1, 100}), 20U);
  for (const char* text :
       {"", "0", "101", "-1", "1.5", "0x10", "1e2", "ten", "99999999999999999999999", "5 0"}) {
    EXPECT_FALSE(parse_count(text, {1, 100})) << text;
  }
}

TEST(Choice, NamesTheNearest) {
  EXPECT_EQ(*parse_choice<TlsMode>("verify_full"), TlsMode::verify_full);
  EXPECT_EQ(*parse_choice<AuthMode>("scram-sha-256"), AuthMode::scram);
  const auto wrong = parse_choice<PoolMode>("transation");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().text,
            R"("transation" is not one of session, transaction, statement; did you mean "transaction"?)");
}

TEST(Boolean, TakesTheUsualWords) {
  for (const char* text : {"true", "Yes", "ON"}) EXPECT_TRUE(*parse_boolean(text)) << text;
  for (const char* text : {"false", "no", "off"}) EXPECT_FALSE(*parse_boolean(text)) << text;
  for (const char* text : {"", "1", "maybe"}) EXPECT_FALSE(parse_boolean(text)) << text;
}

TEST(ListenAddress, ReadsEveryForm) {
  const std::pair<const char*, const char*> cases[] = {{"127.0.0.1:6432", "127.0.0.1:6432"},
                                                       {"localhost", "localhost:6432"},
                                                       {"[::1]:0", "[::1]:0"},
                                                       {"[fe80::1%eth0]:5", "[fe80::1%eth0]:5"},
                                                       {"unix:/run/forebay", "unix:/run/forebay:6432"},
                                                       {"unix:/run/forebay:7000", "unix:/run/forebay:7000"}};
  for (const auto& [text, written] : cases) {
    const auto address = parse_listen_address(text);
    ASSERT_TRUE(address) << text << ": " << address.error().text;
    EXPECT_EQ(to_text(*address), written);
  }
}

TEST(ListenAddress, RefusesWhatIsNone) {
  const std::string long_directory = "unix:/" + std::string(200, 'a');
  for (const char* text : {"",
                           "6432",
                           ":6432",
                           "*:6432",
                           "::1",
                           "::1:6432",
                           "[::1",
                           "[127.0.0.1]:1",
                           "127.0.0.1:65536",
                           "127.0.0.1:",
                           "127.0.0.1:x",
                           "1.2.3:5",
                           "a b:1",
                           "[::1]x",
                           "unix:",
                           "unix:run",
                           "/run/x",
                           "unix:/run/.s.PGSQL.6432",
                           "unix:/run:0",
                           long_directory.c_str()}) {
    EXPECT_FALSE(parse_listen_address(text)) << text;
  }
}

TEST(Replica, ReadsEveryForm) {
  const std::pair<const char*, const char*> cases[] = {{"db2", "db2:5432"},
                                                       {" db2:6000 ", "db2:6000"},
                                                       {"10.0.0.2:1 weight=2", "10.0.0.2:1 weight=2"},
                                                       {"db2   weight=0", "db2:5432 weight=0"},
                                                       {"db2 zone=a", "db2:5432 zone=a"},
                                                       {"db2 zone=a weight=3", "db2:5432 weight=3 zone=a"},
                                                       {"[::1]", "[::1]:5432"},
                                                       {"[fe80::1%eth0]:5 weight=1", "[fe80::1%eth0]:5"},
                                                       {"/run/postgresql", "/run/postgresql:5432"},
                                                       {"/run/a:b:5433", "/run/a:b:5433"}};
  for (const auto& [text, written] : cases) {
    const auto replica = parse_replica(text);
    ASSERT_TRUE(replica) << text << ": " << replica.error().text;
    EXPECT_EQ(to_text(*replica), written);
  }
}

TEST(Replica, RefusesWhatIsNone) {
  for (const char* text : {"::1", "::1:5432", "[::1", "[::1]x", "[::1]x:5", "[db2]:5432", "db2:", "db2:0",
                           "db2:65536", "db2:x", "db2 2", "db2 weight=", "db2 weight=-1", "db2 weight=1001",
                           "db2 zone=", "db2 zone=a b", "/run/a:b"}) {
    EXPECT_FALSE(parse_replica(text)) << text;
  }
}

TEST(ListenAddress, KnowsWhatOnlyThisMachineReaches) {
  for (const char* text :
       {"127.0.0.1:1", "127.1.2.3:1", "localhost:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/x"}) {
    EXPECT_TRUE(is_local(*parse_listen_address(text))) << text;
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "localhost.example:1", "127.example:1"}) {
    EXPECT_FALSE(is_local(*parse_listen_address(text))) << text;
  }
}

}  // namespace
}  // namespace forebay::config
