#include "wire/startup.hpp"

#include <gtest/gtest.h>

#include "wire/startup_options.hpp"

namespace forebay::wire {
namespace {

StartupMessage parsed(std::vector<Parameter> parameters) {
  parameters.insert(parameters.begin(), {"user", "app"});
  Writer writer;
  write_startup(writer, parameters);
  return std::get<StartupMessage>(*parse_first_packet(as_text(writer.bytes().subspan(4))));
}

TEST(Startup, NameOfAnApplicationIsCutAndToldOf) {
  const std::string name(64, 'a');
  const StartupMessage message = parsed({{"application_name", name}});
  EXPECT_EQ(message.application_name, name.substr(1));
  ASSERT_TRUE(message.notice);
  EXPECT_EQ(message.notice->severity, Severity::notice);
  EXPECT_EQ(message.notice->sqlstate, "42622");
  EXPECT_EQ(message.notice->message,
            "identifier \"" + name + "\" will be truncated to \"" + name.substr(1) + "\"");
}

TEST(Startup, NameThatFitsIsNothingToTell) {
  EXPECT_FALSE(parsed({{"application_name", std::string(63, 'a')}}).notice);
}

TEST(Startup, ClientThatWantsNoNoticesGetsNone) {
  const Parameter name{"application_name", std::string(64, 'a')};
  EXPECT_FALSE(parsed({{"client_min_messages", "warning"}, name}).notice);
  EXPECT_FALSE(parsed({{"Client_Min_Messages", "ERROR"}, name}).notice);
  EXPECT_FALSE(parsed({{"options", "-c client_min_messages=error"}, name}).notice);
  EXPECT_TRUE(parsed({{"client_min_messages", "debug1"}, name}).notice);
  EXPECT_TRUE(
      parsed({{"client_min_messages", "notice"}, {"options", "-cclient_min_messages=error"}, name}).notice);
}

TEST(StartupOptions, FindsEveryFormOfASetting) {
  EXPECT_EQ(option_setting("-c a=1", "a"), "1");
  EXPECT_EQ(option_setting("-ca=1", "a"), "1");
  EXPECT_EQ(option_setting("  --A-B=1\t", "a_b"), "1");
  EXPECT_EQ(option_setting("-c a=1 -c a=2", "a"), "2");
  EXPECT_EQ(option_setting(R"(-c a=two\ words\\)", "a"), R"(two words\)");
  EXPECT_EQ(option_setting("-c a=", "a"), "");
}

TEST(StartupOptions, TakesNothingElseForASetting) {
  EXPECT_EQ(option_setting("", "a"), std::nullopt);
  EXPECT_EQ(option_setting("-c", "a"), std::nullopt);
  EXPECT_EQ(option_setting("-c a", "a"), std::nullopt);
  EXPECT_EQ(option_setting("a=1 -d a=1", "a"), std::nullopt);
  EXPECT_EQ(option_setting("-c ab=1", "a"), std::nullopt);
  EXPECT_EQ(option_setting("\\", "a"), std::nullopt);
}

}  // namespace
}  // namespace forebay::wire
