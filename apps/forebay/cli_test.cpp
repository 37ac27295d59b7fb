#include "cli.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "config/loader.hpp"
#include "config/test_folder.hpp"

namespace forebay {
namespace {

/// What a command line did.
struct Ran {
  int code = 0;
  std::string out;
  std::string err;
  std::vector<ServeOptions> served;
  std::vector<OutboxOptions> outboxes;
};

Ran run(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "forebay");
  std::vector<const char*> argv;
  argv.reserve(arguments.size());
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  Ran ran;
  ran.code = run_command_line(static_cast<int>(argv.size()), argv.data(), out, err,
                              {[&ran](const ServeOptions& options) {
                                 ran.served.push_back(options);
                                 return 7;
                               },
                               [&ran](const OutboxOptions& options, std::ostream&, std::ostream&) {
                                 ran.outboxes.push_back(options);
                                 return 8;
                               }});
  ran.out = out.str();
  ran.err = err.str();
  return ran;
}

void expect_in(const std::string& text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << "no " << part << " in:\n" << text;
}

TEST(CommandLine, HasAnOutbox) {
  const Ran ran = run({"outbox", "install", "--upstream", "postgres://u@h/shop", "--relation", "a",
                       "--relation", "b.c", "--dry-run"});
  EXPECT_EQ(ran.code, 8);
  ASSERT_EQ(ran.outboxes.size(), 1U);
  EXPECT_EQ(ran.outboxes[0].action, "install");
  EXPECT_EQ(ran.outboxes[0].upstream, "postgres://u@h/shop");
  EXPECT_EQ(ran.outboxes[0].relations, (std::vector<std::string>{"a", "b.c"}));
  EXPECT_TRUE(ran.outboxes[0].dry_run);
  EXPECT_EQ(run({"outbox", "destroy", "--upstream", "postgres://u@h/shop"}).code, 2);
  EXPECT_EQ(run({"outbox", "install"}).code, 2);
}

TEST(CommandLine, ServesWithOneFlag) {
  const Ran ran = run({"serve", "--upstream", "postgres://u:p@db.example/shop"});
  EXPECT_EQ(ran.code, 7);
  ASSERT_EQ(ran.served.size(), 1U);
  EXPECT_EQ(ran.served[0].settings->upstream.host, "db.example");
  EXPECT_EQ(ran.served[0].config_file, "");
  EXPECT_EQ(ran.out + ran.err, "");
}

TEST(CommandLine, EveryFlagReachesItsSetting) {
  const config::TestFolder folder;
  const std::string pem = folder.write("x.pem", "");
  const Ran ran = run({"serve",           "--upstream=postgres://u:p@h",
                       "--listen",        "127.0.0.1:1",
                       "--listen",        "[::1]:0",
                       "--pool-mode",     "session",
                       "--pool-size",     "3",
                       "--pool-overflow", "4",
                       "--threads",       "5",
                       "--auth",          "cert",
                       "--auth-file",     pem,
                       "--tls",           "verify-full",
                       "--tls-cert",      pem,
                       "--tls-key",       pem,
                       "--tls-ca",        pem,
                       "--log-level",     "debug",
                       "--set",           "timeouts.wait=6s",
                       "--set",           "admin.users=a,b"});
  ASSERT_EQ(ran.served.size(), 1U) << ran.err;
  const config::Settings& settings = *ran.served[0].settings;
  ASSERT_EQ(settings.listen.size(), 2U);
  EXPECT_EQ(settings.listen[1].host, "::1");
  EXPECT_EQ(settings.pool_mode, config::PoolMode::session);
  EXPECT_EQ(settings.limits.pool_size, 3U);
  EXPECT_EQ(settings.limits.pool_overflow, 4U);
  EXPECT_EQ(settings.threads, 5U);
  EXPECT_EQ(settings.auth, config::AuthMode::cert);
  EXPECT_EQ(settings.auth_file, pem);
  EXPECT_EQ(settings.tls.mode, config::TlsMode::verify_full);
  EXPECT_EQ(settings.tls.certificate_file, pem);
  EXPECT_EQ(settings.tls.key_file, pem);
  EXPECT_EQ(settings.tls.ca_file, pem);
  EXPECT_EQ(settings.log_level, config::LogLevel::debug);
  EXPECT_EQ(settings.timeouts.wait, config::Duration(6000));
  EXPECT_EQ(settings.admin_users, (std::vector<std::string>{"a", "b"}));
}

TEST(CommandLine, ReloadReadsTheFileAgainUnderTheSameFlags) {
  const config::TestFolder folder;
  const std::string file = folder.write("f.yaml", "upstream: postgres://u@h\npool: {size: 1, overflow: 1}\n");
  const Ran ran = run({"serve", "--config", file, "--pool-size", "9"});
  ASSERT_EQ(ran.served.size(), 1U) << ran.err;
  EXPECT_EQ(ran.served[0].config_file, file);
  EXPECT_EQ(ran.served[0].settings->limits.pool_overflow, 1U);
  folder.write("f.yaml", "upstream: postgres://u@h\npool: {size: 2, overflow: 2}\n");
  const auto again = ran.served[0].reload();
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ((*again)->limits.pool_overflow, 2U);
  EXPECT_EQ((*again)->limits.pool_size, 9U);
  folder.write("f.yaml", "upstream: postgres://u@h\npol: {}\n");
  expect_in(ran.served[0].reload().error().text, file + ":2:1: the key \"pol\" does not exist");
}

TEST(CommandLine, MistakesInTheConfigurationEndWithOne) {
  const Ran ran = run({"serve", "--upstream", "postgres://u@h", "--pool-size", "none", "--threads", "x"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_TRUE(ran.served.empty());
  expect_in(ran.err, "--pool-size: \"none\" is not a whole number");
  expect_in(ran.err, "--threads: \"x\" is not a whole number");
}

TEST(CommandLine, AWrongCommandLineEndsWithTwoAndTheNearest) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "Examples:"},
      {{"sreve"}, "\"sreve\" is not known here; did you mean serve?"},
      {{"serve", "--pol-size", "3"}, "\"--pol-size\" is not known here; did you mean --pool-size?"},
      {{"serve", "--pol-size=3"}, "did you mean --pool-size?"},
      {{"serve", "--listen", "127.0.0.1:1", "127.0.0.1:2"}, "\"127.0.0.1:2\" is not known here"},
      {{"serve", "--pool-size"}, "--pool-size"},
      {{"serve", "--pool-size", "1", "--pool-size", "2"}, "--pool-size is given more than once"},
      {{"serve", "--upstream", "postgres://u@h", "--set", "pool.size"}, "write --set KEY=VALUE"},
      {{"check"}, "nothing to check; give --config FILE"},
      {{"import"}, "FILE"},
      {{"generate", "nothing"}, "schema"}};
  for (const auto& [arguments, told] : cases) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 2) << told;
    expect_in(ran.err, told);
    EXPECT_TRUE(ran.served.empty()) << told;
  }
}

TEST(CommandLine, HelpAndVersionGoToStandardOutput) {
  for (const char* command : {"serve", "check", "import"}) {
    const Ran ran = run({command, "--help"});
    EXPECT_EQ(ran.code, 0) << command;
    expect_in(ran.out, "Example");
    expect_in(ran.out, std::string("forebay ") + command);
    std::istringstream lines(ran.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 120U) << line;
  }
  const Ran help = run({"--help"});
  EXPECT_EQ(help.code, 0);
  expect_in(help.out, "forebay serve --upstream postgres://");
  expect_in(help.out, "generate");
  EXPECT_TRUE(run({"--version"}).out.starts_with("forebay "));
}

TEST(CheckCommand, TellsWhatWouldRunWithoutSecrets) {
  const config::TestFolder folder;
  const std::string file =
      folder.write("f.yaml", "upstream: postgres://u:hunter2@h\nlisten: 127.0.0.1:7000\n");
  const Ran ran = run({"check", "--config", file, "--all"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  expect_in(ran.out, ": no mistakes");
  expect_in(ran.out, "postgres://u:***@h:5432");
  expect_in(ran.out, "127.0.0.1:7000");
  expect_in(ran.out, "timeouts.wait");
  EXPECT_EQ(ran.out.find("hunter2"), std::string::npos);
}

TEST(CheckCommand, TellsEveryMistake) {
  const config::TestFolder folder;
  const std::string file = folder.write("f.yaml", "upstream: postgres://u@h\npool: {sise: 1, size: 0}\n");
  const Ran ran = run({"check", "--config", file});
  EXPECT_EQ(ran.code, 1);
  expect_in(ran.err, file + ":2:8: the key \"sise\" does not exist in pool; did you mean \"size\"?");
  expect_in(ran.err, file + ":2:23: pool.size: \"0\" is out of range");
  expect_in(ran.err, "2 mistakes");
  EXPECT_EQ(ran.out, "");
}

TEST(ImportCommand, PrintsYamlAndTellsWhatIsLost) {
  const config::TestFolder folder;
  const Ran ran =
      run({"import",
           folder.write("p.ini", "[databases]\n* = host=h\n[pgbouncer]\nauth_type = trust\nlogfile = x\n")});
  EXPECT_EQ(ran.code, 0);
  expect_in(ran.out, "upstream:\n  host: \"h\"");
  expect_in(ran.err, "Could not be carried over:\n  logfile = x");
  EXPECT_EQ(run({"import", "/nonexistent"}).code, 1);
}

/// Files of the repository that `forebay generate` makes.
class GeneratedFile : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(GeneratedFile, IsUpToDate) {
  const auto& [what, file] = GetParam();
  std::ifstream stream(std::string(FOREBAY_SOURCE_DIR "/") + file);
  const std::string shipped{std::istreambuf_iterator<char>(stream), {}};
  EXPECT_TRUE(shipped == run({"generate", what}).out)
      << file << " is out of date; run: forebay generate " << what << " > " << file;
}

INSTANTIATE_TEST_SUITE_P(All, GeneratedFile,
                         testing::Values(std::pair("schema", "config/forebay.schema.json"),
                                         std::pair("reference", "docs/configuration.md")));

TEST(ExampleFile, HasNoMistakes) {
  const Ran ran = run({"check", "--config", FOREBAY_SOURCE_DIR "/config/forebay.example.yaml"});
  EXPECT_EQ(ran.code, 0) << ran.err;
}

}  // namespace
}  // namespace forebay
