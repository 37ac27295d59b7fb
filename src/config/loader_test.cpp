#include "config/loader.hpp"

#include <gtest/gtest.h>

#include "config/options.hpp"
#include "config/summary.hpp"
#include "config/test_folder.hpp"

namespace forebay::config {
namespace {

constexpr const char* kUpstream = "upstream: postgres://u:p@h\n";

LoadRequest request(std::string_view yaml, std::vector<Override> overrides = {}) {
  LoadRequest made;
  made.file = "f";
  made.text = std::string(yaml);
  made.overrides = std::move(overrides);
  made.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SIZE") return "7";
    if (name == "PASSWORD") return "p@ss/w:rd";
    return std::nullopt;
  };
  return made;
}

Settings right(std::string_view yaml, std::vector<Override> overrides = {}) {
  const Loaded loaded = load_all(request(yaml, std::move(overrides)));
  EXPECT_EQ(to_string(loaded.problems), "");
  return loaded.settings ? *loaded.settings : Settings{};
}

std::string wrong(std::string_view yaml, std::vector<Override> overrides = {}) {
  const Loaded loaded = load_all(request(yaml, std::move(overrides)));
  EXPECT_EQ(loaded.settings, nullptr) << yaml;
  return to_string(loaded.problems);
}

/// The only problem of `yaml`, after a good upstream in line 1.
std::string mistake(std::string_view yaml) {
  std::string text = wrong(kUpstream + std::string(yaml));
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  return text;
}

void expect_in(const std::string& text, std::string_view part) {
  EXPECT_NE(text.find(part), std::string::npos) << "no " << part << " in:\n" << text;
}

TEST(Loader, DefaultsAreThoseOfTheStruct) {
  const Settings settings = right(kUpstream);
  EXPECT_EQ(settings.limits.pool_size, Settings{}.limits.pool_size);
  EXPECT_EQ(settings.timeouts.wait, Settings{}.timeouts.wait);
  EXPECT_TRUE(settings.listen.empty());
}

TEST(Loader, ReadsEverySection) {
  const Settings settings = right(R"(
upstream: {url: "postgres://forebay@db.example:5433/main", password: "${PASSWORD}", tls: {mode: require}}
listen: [127.0.0.1:6432, "unix:/run/forebay"]
threads: 3
pool: {mode: session, size: "${SIZE}", overflow: 1, min_size: 2, reserve_size: 4, reserve_after: 2s,
       max_prepared_statements: 9}
limits: {max_clients: 0, max_clients_per_user: 1, max_clients_per_database: 2, max_backends_per_user: 3,
         max_backends_per_database: 4}
timeouts: {wait: 1s, connect: 2s, backend_idle: 3s, recycle: 4s, test_after: 5s, command: 6s, statement: 7s,
           idle_in_transaction: 8s, client_idle: 9s, client_login: 10s, shutdown: 11s}
auth: {mode: md5, query: "select 1"}
databases:
  shop: postgres://other/shop_prod
  blog: {database: blog_2, pool: {mode: statement, size: 1}, limits: {max_backends: 5, max_clients: 6},
         timeouts: {command: 1s}}
  "*":
users:
  batch: {password: secret, pool: {overflow: 0}, timeouts: {statement: 0, idle_in_transaction: 1min}}
admin: {users: [root, me], stats_users: watcher}
log: {level: warning, connections: yes}
)");
  EXPECT_EQ(settings.upstream.host, "db.example");
  EXPECT_EQ(settings.upstream.port, 5433);
  EXPECT_EQ(settings.upstream.user, "forebay");
  EXPECT_EQ(settings.upstream.password, "p@ss/w:rd");
  EXPECT_EQ(settings.upstream.database, "main");
  EXPECT_EQ(settings.upstream.tls.mode, TlsMode::require);
  ASSERT_EQ(settings.listen.size(), 2U);
  EXPECT_EQ(settings.listen[1].unix_directory, "/run/forebay");
  EXPECT_EQ(settings.threads, 3U);
  EXPECT_EQ(settings.pool_mode, PoolMode::session);
  EXPECT_EQ(settings.limits.pool_size, 7U);
  EXPECT_EQ(settings.limits.pool_overflow, 1U);
  EXPECT_EQ(settings.limits.pool_min_size, 2U);
  EXPECT_EQ(settings.limits.reserve_size, 4U);
  EXPECT_EQ(settings.timeouts.reserve_after, Duration(2000));
  EXPECT_EQ(settings.limits.max_prepared_statements, 9U);
  EXPECT_EQ(settings.limits.max_clients, 0U);
  EXPECT_EQ(settings.limits.max_clients_per_user, 1U);
  EXPECT_EQ(settings.limits.max_clients_per_database, 2U);
  EXPECT_EQ(settings.limits.max_backends_per_user, 3U);
  EXPECT_EQ(settings.limits.max_backends_per_database, 4U);
  EXPECT_EQ(settings.timeouts.wait, Duration(1000));
  EXPECT_EQ(settings.timeouts.connect, Duration(2000));
  EXPECT_EQ(settings.timeouts.backend_idle, Duration(3000));
  EXPECT_EQ(settings.timeouts.recycle, Duration(4000));
  EXPECT_EQ(settings.timeouts.test_after, Duration(5000));
  EXPECT_EQ(settings.timeouts.command, Duration(6000));
  EXPECT_EQ(settings.timeouts.statement, Duration(7000));
  EXPECT_EQ(settings.timeouts.idle_in_transaction, Duration(8000));
  EXPECT_EQ(settings.timeouts.client_idle, Duration(9000));
  EXPECT_EQ(settings.timeouts.client_login, Duration(10'000));
  EXPECT_EQ(settings.timeouts.shutdown, Duration(11'000));
  EXPECT_EQ(settings.auth, AuthMode::md5);
  EXPECT_EQ(settings.auth_query, "select 1");
  EXPECT_EQ(settings.databases.at("shop").upstream->host, "other");
  EXPECT_EQ(settings.databases.at("shop").server_database, "shop_prod");
  const Database& blog = settings.databases.at("blog");
  EXPECT_EQ(blog.server_database, "blog_2");
  EXPECT_EQ(blog.pool.pool_mode, PoolMode::statement);
  EXPECT_EQ(blog.pool.pool_size, 1U);
  EXPECT_EQ(blog.pool.pool_overflow, std::nullopt);
  EXPECT_EQ(blog.pool.max_backends, 5U);
  EXPECT_EQ(blog.pool.max_clients, 6U);
  EXPECT_EQ(blog.pool.command, Duration(1000));
  EXPECT_TRUE(settings.databases.contains("*"));
  const User& batch = settings.users.at("batch");
  EXPECT_EQ(batch.password, "secret");
  EXPECT_EQ(batch.pool.pool_overflow, 0U);
  EXPECT_EQ(batch.pool.statement, Duration(0));
  EXPECT_EQ(batch.pool.idle_in_transaction, Duration(60'000));
  EXPECT_EQ(settings.admin_users, (std::vector<std::string>{"root", "me"}));
  EXPECT_EQ(settings.stats_users, (std::vector<std::string>{"watcher"}));
  EXPECT_EQ(settings.log_level, LogLevel::warning);
  EXPECT_TRUE(settings.log_connections);
}

TEST(Loader, TellsEveryMistakeInTheOrderOfTheFile) {
  const std::string text = wrong("upsteam: x\npool:\n  sise: 1\n  mode: transation\ntimeouts: {wait: 30}\n");
  expect_in(text, R"(f:1:1: the key "upsteam" does not exist; did you mean "upstream"?)");
  expect_in(text,
            R"(f:3:3: the key "sise" does not exist in pool; did you mean "size"? (allowed: mode, size,)");
  expect_in(text, R"(f:4:9: pool.mode: "transation" is not one of)");
  expect_in(text, R"(f:5:18: timeouts.wait: "30" has no unit)");
  EXPECT_EQ(text.find("there is no server"), std::string::npos) << "the upstream may be what is mistyped";
  EXPECT_LT(text.find("f:3:3"), text.find("f:4:9"));
}

TEST(Loader, ShowsTheWayToKeysThatStandElsewhere) {
  expect_in(mistake("size: 3\n"), "did you mean pool.size?");
  expect_in(mistake("pool_mod: session\n"), "did you mean pool.mode?");
  expect_in(mistake("max_client_conn: 3\n"), "PgBouncer's max_client_conn is limits.max_clients here");
  expect_in(mistake("pool: transaction\n"),
            "f:2:7: pool holds keys of its own; write them below it, indented: mode, size");
  expect_in(mistake("pool: {size: }\n"), "pool.size has no value");
  expect_in(mistake("pool: {size: [1]}\n"), "pool.size takes one value");
  expect_in(mistake("databases: [a]\n"), "databases maps names to their settings");
  expect_in(mistake("databases: {a: {pol: {}}}\n"), "did you mean \"pool\"?");
}

TEST(Loader, VariablesThatAreNotSetAndTheirValuesAreTold) {
  expect_in(mistake("threads: ${NONE}\n"), "f:2:10: the environment variable NONE is not set");
  expect_in(mistake("threads: ${PASSWORD}\n"),
            "threads: \"p@ss/w:rd\" is not a whole number from 0 to 256 (from ${PASSWORD})");
}

TEST(Loader, FlagsWinOverTheFile) {
  const Settings settings = right(
      "upstream: {host: h, user: u, tls: {mode: require}}\nlisten: 127.0.0.1:1\npool: {size: 5, overflow: "
      "6}\n",
      {{"--upstream", "upstream", {"postgres://v@other"}},
       {"--listen", "listen", {"127.0.0.1:2", "[::1]:3"}},
       {"--pool-size", "pool.size", {"9"}}});
  EXPECT_EQ(settings.upstream.host, "other");
  EXPECT_EQ(settings.upstream.tls.mode, TlsMode::prefer);
  ASSERT_EQ(settings.listen.size(), 2U);
  EXPECT_EQ(settings.listen[0].port, 2);
  EXPECT_EQ(settings.limits.pool_size, 9U);
  EXPECT_EQ(settings.limits.pool_overflow, 6U);
}

TEST(Loader, MistakesInFlagsNameTheFlag) {
  expect_in(wrong(kUpstream, {{"--pool-size", "pool.size", {"many"}}}),
            "--pool-size: \"many\" is not a whole number");
  expect_in(wrong(kUpstream, {{"--set pool.sise", "pool.sise", {"1"}}}), "did you mean \"pool.size\"?");
}

TEST(Loader, AFlagIsNamedOnce) {
  EXPECT_EQ(wrong(kUpstream, {{"--listen", "listen", {"127.0.0.1:1", "127.0.0.1:1"}}}),
            "--listen: 127.0.0.1:1 is there twice");
}

TEST(Loader, TrustIsForThisMachineOnly) {
  right(
      "upstream: postgres://h\nauth: {mode: trust}\nlisten: [127.0.0.1:1, localhost:2, '[::1]:3', "
      "'unix:/run/x']\n");
  right("upstream: postgres://h\nauth: {mode: trust}\n");
  const std::string text = mistake("auth: {mode: trust}\nlisten: [127.0.0.1:1, 0.0.0.0:6432]\n");
  expect_in(text, "f:3:1: auth.mode trust lets everybody in without a password");
  expect_in(text, "0.0.0.0:6432");
  expect_in(text, "listen on 127.0.0.1, [::1] or unix:DIRECTORY only, or set auth.mode to scram");
}

TEST(Loader, TlsNeedsWhatItsModeNeeds) {
  const TestFolder folder;
  const std::string pem = folder.write("x.pem", "");
  const std::string pair = "certificate: " + pem + ", key: " + pem;
  right(kUpstream + ("tls: {mode: require, " + pair + "}\n"));
  right(kUpstream + ("tls: {mode: disable, " + pair + "}\n"));
  right(kUpstream + ("tls: {mode: verify-full, ca: " + pem + ", " + pair + "}\nauth: {mode: cert}\n"));
  expect_in(mistake("tls: {mode: require}\n"), "f:2:7: tls.mode require needs a certificate");
  expect_in(mistake("tls: {" + pair + "}\n"), "tls.certificate has no effect while tls.mode is not set");
  expect_in(mistake("tls: {mode: verify-ca, " + pair + "}\n"),
            "needs the CA that signed the clients' certificates");
  expect_in(mistake("tls: {mode: disable, certificate: " + pem + "}\n"),
            "tls.certificate needs its private key");
  expect_in(mistake("tls: {mode: disable, key: " + pem + "}\n"), "tls.key needs its certificate");
  expect_in(mistake("auth: {mode: cert}\n"), "auth.mode cert needs TLS that checks clients' certificates");
}

TEST(Loader, VerifyingAServerNeedsACa) {
  const TestFolder folder;
  const std::string pem = folder.write("x.pem", "");
  expect_in(wrong("upstream: postgres://u@h/?sslmode=verify-full\n"),
            "f:1:1: upstream.tls.mode verify-full needs the CA");
  expect_in(wrong("upstream: {host: h, user: u, tls: {certificate: " + pem + "}}\n"),
            "upstream.tls.certificate needs its private key");
  EXPECT_EQ(right("upstream: postgres://u@h/?sslmode=require&sslrootcert=" + pem + "\n").upstream.tls.mode,
            TlsMode::verify_ca);
}

TEST(Loader, EveryServerIsNamedOnce) {
  right("upstream: postgres://u@h:1\nreplicas: [h, 'h:2', '[::1]:1', /run/x]\n");
  expect_in(wrong("upstream: postgres://u@h\nreplicas: ['a:1', 'H:5432']\n"),
            "f:2:1: replicas: h:5432 is the upstream; name every server once");
  expect_in(wrong("upstream: postgres://u@h\nreplicas: ['a', 'b', 'a:5432 weight=2']\n"),
            "f:2:1: replicas: a:5432 is there twice");
}

TEST(Loader, AReplicasHostIsJudgedAsAnUpstreams) {
  expect_in(wrong("upstream: postgres://u@h\nreplicas: ['@x:1']\n"),
            "f:2:1: replicas: \"@x\" is an abstract");
  expect_in(wrong("upstream: postgres://u@h\nreplicas: [':1']\n"), "f:2:1: replicas: the host is empty");
  expect_in(wrong("upstream: postgres://u@h\nreplicas: ['a/b']\n"), "f:2:1: replicas: \"a/b\" is no host");
}

TEST(Loader, FilesAreFoundFromTheConfigurationAndHaveToExist) {
  const TestFolder folder;
  folder.write("users.txt", "");
  LoadRequest made;
  made.file = folder.write("forebay.yaml", "upstream: postgres://h\nauth: {file: users.txt}\n");
  const auto settings = load(made);
  ASSERT_TRUE(settings) << settings.error().text;
  EXPECT_EQ((*settings)->auth_file, (folder.path() / "users.txt").string());
  expect_in(mistake("auth: {file: /nonexistent/users.txt}\n"),
            "f:2:14: auth.file: there is no file \"/nonexistent/users.txt\"");
  expect_in(mistake("auth: {file: /}\n"), "is a directory");
}

TEST(Loader, AConfigurationThatCannotBeReadSaysSo) {
  const TestFolder folder;
  LoadRequest made;
  made.file = (folder.path() / "none.yaml").string();
  EXPECT_EQ(load(made).error().text, made.file + ": cannot be read: No such file or directory");
  made.file = folder.path().string();
  expect_in(load(made).error().text, "is a directory");
}

TEST(Loader, SomebodyHasToBeAbleToLogIn) {
  expect_in(wrong("upstream: postgres://h\n"), "f:1:1: auth.mode scram needs the users' secrets");
  right("upstream: postgres://h\nauth: {mode: trust}\n");
  right("upstream: postgres://h\nauth: {mode: password}\n");
  right("upstream: postgres://h\nusers: {me: {password: x}}\n");
}

TEST(Loader, SecretsHaveToFitTheLogin) {
  const std::string key(43, 'A');
  const std::string verifier = "SCRAM-SHA-256$4096:c2FsdA==$" + key + "=:" + key + "=";
  right(kUpstream + ("users: {me: {password: '" + verifier + "'}}\n"));
  expect_in(mistake("users: {me: {password: 'SCRAM-SHA-256$4096:c2FsdA==$AAAA'}}\n"),
            "begins like a SCRAM verifier");
  const std::string md5 = "md5" + std::string(32, 'a');
  expect_in(mistake("users: {me: {password: " + md5 + "}}\n"),
            "is an md5 hash, which cannot check a SCRAM login");
  right(kUpstream + ("auth: {mode: md5}\nusers: {me: {password: " + md5 + "}}\n"));
}

TEST(Loader, SizesHaveToFit) {
  expect_in(mistake("pool: {min_size: 21}\n"), "pool.min_size 21 is more than pool.size 20");
  expect_in(mistake("pool: {size: 0}\n"), "from 1 to 100000");
  expect_in(mistake("databases: {a: {pool: {size: 3, min_size: 4}}}\n"),
            "databases.a: pool.min_size 4 is more than pool.size 3");
  right(kUpstream + std::string("pool: {min_size: 5}\ndatabases: {a: {pool: {size: 3}}}\n"));
  expect_in(mistake("timeouts: {statement: 30d}\n"), "out of range");
}

TEST(Loader, DatabasesThatCannotBeAreTold) {
  expect_in(mistake("databases: {pgbouncer: }\n"), "is the name of the console");
  expect_in(mistake("databases: {a: {upstream: postgres://u@h/b, database: c}}\n"),
            "the upstream names the database \"b\"");
  expect_in(wrong("databases: {a: {pool: {size: 1}}}\n"), "there is no server to forward to");
  right("databases: {a: postgres://u@h/b}\n");
  expect_in(mistake("databases: {a: {upstream: {host: '', user: u}}}\n"), "the host is empty");
  expect_in(mistake("databases: {a: {upstream: {host: 'a,b', user: u}}}\n"), "is no host");
}

TEST(Loader, ListenAddressesAreThereOnce) {
  expect_in(mistake("listen: [127.0.0.1:1, 127.0.0.1:1]\n"), "is there twice");
  right(kUpstream + std::string("listen: 127.0.0.1:0,127.0.0.1:0\n"));
}

TEST(Loader, SecretsAreInNoMessageAndNoSummary) {
  const std::string text =
      wrong("upstream: {host: h, user: u, password: hunter2, port: x}\nusers: {me: {password: [hunter3]}}\n");
  EXPECT_EQ(text.find("hunter"), std::string::npos) << text;
  const Settings settings = right("upstream: postgres://u:hunter2@h\n");
  EXPECT_EQ(summary(settings).find("hunter"), std::string::npos);
  for (const SettingLine& line : list_settings(settings))
    EXPECT_EQ(line.value.find("hunter"), std::string::npos);
}

TEST(Loader, ThousandsOfMistakesAreCutShort) {
  std::string yaml = kUpstream;
  for (int i = 0; i < 5000; ++i) yaml += "key" + std::to_string(i) + ": x\n";
  const Loaded loaded = load_all(request(yaml));
  EXPECT_EQ(loaded.problems.size(), 101U);
  expect_in(loaded.problems.back().text, "4900 more");
}

TEST(Reload, KeepsTheRunningValuesOfWhatNeedsARestart) {
  const Settings running = right(kUpstream + std::string("cache: {enabled: on, staleness: 2s}\n"));
  const Settings wanted =
      right(kUpstream +
            std::string("cache: {enabled: off, staleness: 9s, lifetime: 7s}\nthreads: 2\npool: {size: 3}\n"));
  const Settings used = until_restart(running, wanted);
  EXPECT_TRUE(restart_needed(running, used).empty());
  EXPECT_EQ(used.cache.enabled, CacheUse::on);
  EXPECT_EQ(used.cache.staleness, Duration(2000));
  EXPECT_EQ(used.cache.lifetime, Duration(7000));
  EXPECT_EQ(used.threads, running.threads);
  EXPECT_EQ(used.limits.pool_size, 3U);
}

TEST(Reload, NamesWhatNeedsARestart) {
  const Settings old = right(kUpstream);
  EXPECT_TRUE(restart_needed(old, right(kUpstream + std::string("pool: {size: 3}\n"))).empty());
  EXPECT_EQ(restart_needed(old, right(kUpstream + std::string("threads: 2\nlisten: 127.0.0.1:7\n"))),
            (std::vector<std::string>{"listen", "threads"}));
}

TEST(Options, EachHasAHelpAKeyOnceAndAFlagOnce) {
  std::map<std::pair<Scope, std::string>, int> keys;
  std::map<std::string, int> flags;
  for (const Option& option : options()) {
    EXPECT_EQ(++keys[std::pair(option.scope, option.key)], 1) << option.key;
    EXPECT_TRUE(option.flag.empty() || ++flags[option.flag] == 1) << option.flag;
    EXPECT_TRUE(option.help.ends_with('.')) << option.key;
    EXPECT_TRUE(option.store && option.reset && option.show) << option.key;
  }
}

TEST(Options, WhatIsShownIsReadBackAsTheSame) {
  Settings settings;
  for (const Option& option : options()) {
    if (option.scope != Scope::global || option.kind == Kind::upstream) continue;
    const Place place{.settings = &settings, .base = "/"};
    const std::string shown = option.show(place);
    if (shown.empty()) continue;
    std::vector<std::string> complaints;
    option.reset(place);
    option.store(place, shown, complaints);
    EXPECT_TRUE(complaints.empty()) << option.key << " " << shown;
    EXPECT_EQ(option.show(place), shown) << option.key;
  }
}

}  // namespace
}  // namespace forebay::config
