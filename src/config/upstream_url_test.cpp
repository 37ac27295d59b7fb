#include "config/upstream_url.hpp"

#include <gtest/gtest.h>

#include "config/options.hpp"

namespace forebay::config {
namespace {

struct Stored {
  Upstream upstream;
  std::vector<std::string> complaints;
};

Stored stored(std::string_view url) {
  Stored result;
  store_upstream_url(url, result.upstream, "/", result.complaints);
  return result;
}

Upstream right(std::string_view url) {
  const Stored result = stored(url);
  EXPECT_TRUE(result.complaints.empty()) << url << ": " << result.complaints[0];
  return result.upstream;
}

std::string wrong(std::string_view url) {
  const Stored result = stored(url);
  std::string text;
  for (const std::string& complaint : result.complaints) text += complaint + "\n";
  EXPECT_NE(text, "") << url;
  return text;
}

TEST(UpstreamUrl, ReadsAllParts) {
  const Upstream upstream = right("postgres://app:s%40cr%2Fet@db.example:5433/my%20shop?sslmode=require");
  EXPECT_EQ(upstream.user, "app");
  EXPECT_EQ(upstream.password, "s@cr/et");
  EXPECT_EQ(upstream.host, "db.example");
  EXPECT_EQ(upstream.port, 5433);
  EXPECT_EQ(upstream.database, "my shop");
  EXPECT_EQ(upstream.tls.mode, TlsMode::require);
}

TEST(UpstreamUrl, LeavesDefaultsWhereNothingStands) {
  for (const char* url : {"postgresql://", "postgres:///", "postgres://:5432", "postgres://127.0.0.1/?"}) {
    const Upstream upstream = right(url);
    EXPECT_EQ(upstream.host, "127.0.0.1") << url;
    EXPECT_EQ(upstream.port, 5432) << url;
    EXPECT_EQ(upstream.user + upstream.password + upstream.database, "") << url;
    EXPECT_EQ(upstream.tls.mode, TlsMode::prefer) << url;
  }
}

TEST(UpstreamUrl, ReadsAddressesAndSocketDirectories) {
  EXPECT_EQ(right("postgres://[::1]:5432/x").host, "::1");
  EXPECT_EQ(right("postgres://u@%2Frun%2Fpostgresql/x").host, "/run/postgresql");
  EXPECT_EQ(right("postgres:///x?host=/run/postgresql&port=5433").port, 5433);
  EXPECT_EQ(right("postgres://h/x?user=me&password=a%26b").password, "a&b");
  EXPECT_EQ(right("postgres://h/x?dbname=y").database, "y");
}

TEST(UpstreamUrl, NamesTheNearestParameter) {
  EXPECT_NE(wrong("postgres://h/?sslmod=require").find("did you mean \"sslmode\"?"), std::string::npos);
  EXPECT_NE(wrong("postgres://h/?connect_timeout=3").find("(allowed: host, port, user"), std::string::npos);
  EXPECT_NE(wrong("postgres://h/?sslmode=requir").find("did you mean \"require\"?"), std::string::npos);
}

TEST(UpstreamUrl, TellsEveryMistake) {
  const std::string text = wrong("postgres://u:p%4@h:port/?x=1&y");
  EXPECT_NE(text.find("the password has a %"), std::string::npos);
  EXPECT_NE(text.find("port: \"port\" is not"), std::string::npos);
  EXPECT_NE(text.find("\"x\" is not known"), std::string::npos);
  EXPECT_NE(text.find("\"y\" has not the form"), std::string::npos);
}

TEST(UpstreamUrl, RefusesWhatIsNone) {
  for (const char* url :
       {"", "db.example", "http://h/x", "mysql://h", "postgres:/h", "host=h dbname=x", "postgres://a,b/x",
        "postgres://[::1/x", "postgres://[::1]x/y", "postgres://h:0", "postgres://h:65536", "postgres://h:-1",
        "postgres://u%00@h", "postgres://u%zz@h", "postgres://h%", "postgres://h%4", "postgres://h/?=x"}) {
    wrong(url);
  }
  wrong(std::string_view("postgres://h\0i/x", 16));
}

TEST(UpstreamUrl, NeverTellsThePassword) {
  for (const char* url :
       {"postgres://u:hunter2@x@h", "postgres://u:hunt/er2@h", "postgres://u:hunter2?@h",
        "postgres://u:#hunter2%@h", "postgres://u:p@ss?hunter2@h", "postgres://u:hunter2@h:hh/?q=1",
        "postgres://u:hunter2@a,b", "postgres:///?password=hunter2%"}) {
    EXPECT_EQ(wrong(url).find("hunt"), std::string::npos) << url;
  }
}

TEST(UpstreamUrl, WrittenAndReadAgainIsTheSame) {
  for (const char* url : {"postgres://127.0.0.1:5432", "postgres://u:p%40%2F%3A%20x@h:1/d%3Fb",
                          "postgres://[::1]:2/x?sslmode=require",
                          "postgres://u@:5432/x?host=/run/postgresql&sslmode=disable"}) {
    EXPECT_EQ(upstream_url(right(url)), url);
  }
  EXPECT_EQ(masked_upstream(right("postgres://u:secret@h:1/d")), "postgres://u:***@h:1/d");
}

}  // namespace
}  // namespace forebay::config
