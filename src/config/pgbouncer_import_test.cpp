#include "config/pgbouncer_import.hpp"

#include <gtest/gtest.h>

#include "config/loader.hpp"
#include "config/pgbouncer_ini.hpp"
#include "config/test_folder.hpp"

namespace forebay::config {
namespace {

constexpr const char* kVerifier =
    "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2E=$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

bool tells(const std::vector<std::string>& notes, std::string_view part) {
  for (const std::string& note : notes) {
    if (note.find(part) != std::string::npos) return true;
  }
  return false;
}

/// An import whose result was loaded again.
struct Imported {
  PgbouncerImport import;
  Settings settings;
};

class PgbouncerImportTest : public testing::Test {
 protected:
  /// Imports `ini` and expects that the result passes every check.
  Imported imported(std::string_view ini) {
    Imported result{import_pgbouncer(folder_.write("pgbouncer.ini", ini)), {}};
    EXPECT_EQ(to_string(result.import.problems), "");
    LoadRequest request;
    request.file = (folder_.path() / "forebay.yaml").string();
    request.text = result.import.yaml;
    const Loaded loaded = load_all(request);
    EXPECT_EQ(to_string(loaded.problems), "") << result.import.yaml;
    if (loaded.settings) result.settings = *loaded.settings;
    return result;
  }

  /// One database and a user list before `rest` in [pgbouncer].
  Imported with_globals(std::string_view rest) {
    folder_.write("users.txt", "\"me\" \"secret\"\n");
    return imported("[databases]\n* = host=db\n[pgbouncer]\nauth_file = users.txt\n" + std::string(rest));
  }

  TestFolder folder_;
};

TEST_F(PgbouncerImportTest, PgbouncersDefaultsAreWrittenOut) {
  const Settings settings = with_globals("").settings;
  EXPECT_EQ(settings.upstream.host, "db");
  EXPECT_EQ(settings.pool_mode, PoolMode::session);
  EXPECT_EQ(settings.limits.pool_size, 20U);
  EXPECT_EQ(settings.limits.pool_overflow, 0U);
  EXPECT_EQ(settings.limits.max_clients, 100U);
  EXPECT_EQ(settings.limits.max_prepared_statements, 200U);
  EXPECT_EQ(settings.timeouts.wait, Duration(120'000));
  EXPECT_EQ(settings.timeouts.connect, Duration(15'000));
  EXPECT_EQ(settings.timeouts.recycle, Duration(3'600'000));
  EXPECT_EQ(settings.timeouts.backend_idle, Duration(600'000));
  EXPECT_EQ(settings.auth, AuthMode::md5);
  EXPECT_TRUE(settings.log_connections);
  ASSERT_EQ(settings.listen.size(), 1U);
  EXPECT_EQ(settings.listen[0].unix_directory, "/tmp");
  EXPECT_TRUE(settings.databases.empty());
}

TEST_F(PgbouncerImportTest, ARealSetUpIsCarried) {
  folder_.write("users.txt", "\"lookup\" \"l\"\"p\"\n\"alice\" \"" + std::string(kVerifier) + "\"\n");
  folder_.write("more.ini", "client_idle_timeout = 600\n");
  const Imported result = imported(R"(
;; comment
[databases]
shop = host=10.0.0.5 port=5433 dbname=shop_prod pool_size=15 pool_mode=session max_db_connections=40
blog = host=10.0.0.5 port=5433 connect_query='select ''hi'''
far = host=db2.example reserve_pool=3 min_pool_size=50
"we-ird.""name" = host=/run/postgresql max_db_client_connections=7
* = host=10.0.0.5 port=5433

[users]
alice = pool_mode=statement max_user_connections=10 query_timeout=2.5 max_user_client_connections=9
batch = pool_size=2 reserve_pool_size=1 idle_transaction_timeout=60

[pgbouncer]
listen_addr = 127.0.0.1, ::1,  db.example
listen_port = 6433
unix_socket_dir = /var/run/postgresql
unix_socket_mode = 0770
auth_type = scram-sha-256
auth_file = users.txt
auth_user = lookup
auth_query = SELECT usename, passwd FROM pgbouncer.get_auth($1)
admin_users = postgres, ops
stats_users = stats
pool_mode = transaction
max_client_conn = 2000
default_pool_size = 30
min_pool_size = 40
reserve_pool_size = 10
reserve_pool_timeout = 3.5
server_idle_timeout = 300
max_db_connections = 60
max_user_connections = 61
max_db_client_connections = 62
max_user_client_connections = 63
verbose = 2
%include more.ini
)");
  const Settings& settings = result.settings;
  EXPECT_EQ(settings.upstream.host, "10.0.0.5");
  EXPECT_EQ(settings.upstream.port, 5433);
  EXPECT_EQ(settings.upstream.user, "lookup");
  EXPECT_EQ(settings.upstream.password, "l\"p");
  ASSERT_EQ(settings.listen.size(), 4U);
  EXPECT_EQ(settings.listen[1].host, "::1");
  EXPECT_EQ(settings.listen[2].port, 6433);
  EXPECT_EQ(settings.listen[3].unix_directory, "/var/run/postgresql");
  EXPECT_EQ(settings.unix_socket_mode.bits, 0770U);
  EXPECT_EQ(settings.auth, AuthMode::scram);
  EXPECT_EQ(settings.auth_file, (folder_.path() / "users.txt").string());
  EXPECT_EQ(settings.auth_query, "SELECT usename, passwd FROM pgbouncer.get_auth($1)");
  EXPECT_EQ(settings.admin_users, (std::vector<std::string>{"postgres", "ops"}));
  EXPECT_EQ(settings.stats_users, (std::vector<std::string>{"stats"}));
  EXPECT_EQ(settings.limits.max_clients, 2000U);
  EXPECT_EQ(settings.limits.pool_size, 30U);
  EXPECT_EQ(settings.limits.pool_min_size, 30U);
  EXPECT_EQ(settings.limits.reserve_size, 10U);
  EXPECT_EQ(settings.timeouts.reserve_after, Duration(3500));
  EXPECT_EQ(settings.timeouts.backend_idle, Duration(300'000));
  EXPECT_EQ(settings.timeouts.client_idle, Duration(600'000));
  EXPECT_EQ(settings.limits.max_backends_per_database, 60U);
  EXPECT_EQ(settings.limits.max_backends_per_user, 61U);
  EXPECT_EQ(settings.limits.max_clients_per_database, 62U);
  EXPECT_EQ(settings.limits.max_clients_per_user, 63U);
  EXPECT_EQ(settings.log_level, LogLevel::debug);

  const Database& shop = settings.databases.at("shop");
  EXPECT_FALSE(shop.upstream);
  EXPECT_EQ(shop.server_database, "shop_prod");
  EXPECT_EQ(shop.pool.pool_size, 15U);
  EXPECT_EQ(shop.pool.pool_mode, PoolMode::session);
  EXPECT_EQ(shop.pool.max_backends, 40U);
  const Database& far = settings.databases.at("far");
  EXPECT_EQ(far.upstream->host, "db2.example");
  EXPECT_EQ(far.upstream->user, "lookup");
  EXPECT_EQ(far.pool.reserve_size, 3U);
  EXPECT_EQ(far.pool.pool_min_size, 30U);
  EXPECT_EQ(settings.databases.at("we-ird.\"name").upstream->host, "/run/postgresql");
  EXPECT_EQ(settings.databases.at("we-ird.\"name").pool.max_clients, 7U);
  EXPECT_TRUE(settings.databases.contains("*"));
  const User& alice = settings.users.at("alice");
  EXPECT_EQ(alice.pool.pool_mode, PoolMode::statement);
  EXPECT_EQ(alice.pool.max_backends, 10U);
  EXPECT_EQ(alice.pool.max_clients, 9U);
  EXPECT_EQ(alice.pool.command, Duration(2500));
  EXPECT_EQ(settings.users.at("batch").pool.pool_size, 2U);
  EXPECT_EQ(settings.users.at("batch").pool.idle_in_transaction, Duration(60'000));
  ASSERT_EQ(result.import.lost.size(), 2U);
  EXPECT_EQ(result.import.lost[0],
            "database blog: connect_query=select 'hi': there is nothing like it for one database");
  EXPECT_TRUE(
      result.import.lost[1].starts_with("dns_max_ttl = 15, the default: names of servers are resolved"));
}

TEST_F(PgbouncerImportTest, WhatIsNotCarriedIsToldWithItsReason) {
  const Imported result = with_globals(
      "logfile = /var/log/p.log\npidfile = /run/p.pid\nserver_round_robin = 1\nignore_startup_parameters = "
      "search_path\n"
      "so_reuseport = 1\nlog_stats = 1\nbogus = 3\nclient_tls_protocols = all\nmax_prepared_statements = "
      "0\n[peers]\n1 = host=x\n");
  EXPECT_TRUE(tells(result.import.lost, "logfile = /var/log/p.log: Forebay logs on standard error"));
  EXPECT_TRUE(tells(result.import.lost, "server_round_robin = 1"));
  EXPECT_TRUE(tells(result.import.lost, "client_tls_protocols = all"));
  EXPECT_TRUE(tells(result.import.lost, "bogus = 3: not a parameter"));
  EXPECT_TRUE(tells(result.import.unneeded, "pidfile"));
  EXPECT_TRUE(tells(result.import.unneeded, "ignore_startup_parameters"));
  EXPECT_TRUE(tells(result.import.unneeded, "so_reuseport"));
  EXPECT_TRUE(tells(result.import.unneeded, "max_prepared_statements = 0"));
  EXPECT_TRUE(tells(result.import.unneeded, "[peers]"));
  EXPECT_FALSE(tells(result.import.lost, "log_stats")) << "its default is no loss";
  EXPECT_NE(result.import.yaml.find("#   - bogus = 3"), std::string::npos)
      << "the notes are comments of the file, too";
}

TEST_F(PgbouncerImportTest, ZeroKeepsItsMeaning) {
  const Imported zero = with_globals(
      "server_lifetime = 0\nserver_check_delay = 0\nquery_wait_timeout = 0\nserver_idle_timeout = 0\n"
      "reserve_pool_size = 5\nreserve_pool_timeout = 0\n");
  EXPECT_EQ(zero.settings.timeouts.recycle, Duration(1)) << "used once";
  EXPECT_EQ(zero.settings.timeouts.test_after, Duration(1)) << "always tested";
  EXPECT_EQ(zero.settings.timeouts.wait, Duration(0));
  EXPECT_EQ(zero.settings.timeouts.backend_idle, Duration(0));
  EXPECT_EQ(zero.settings.limits.reserve_size, 0U);
  EXPECT_EQ(with_globals("server_check_query =\n").settings.timeouts.test_after, Duration(0))
      << "never tested";
}

TEST_F(PgbouncerImportTest, TimesAreSecondsWithFractions) {
  EXPECT_EQ(with_globals("query_timeout = 0.25\n").settings.timeouts.command, Duration(250));
  EXPECT_EQ(with_globals("query_timeout = 0.0001\n").settings.timeouts.command, Duration(1));
  EXPECT_TRUE(tells(with_globals("query_timeout = soon\n").import.lost, "query_timeout = soon"));
  EXPECT_TRUE(tells(with_globals("query_timeout = nan\n").import.lost, "query_timeout = nan"));
  EXPECT_TRUE(tells(with_globals("query_timeout = 1e300\n").import.lost, "query_timeout"));
}

TEST_F(PgbouncerImportTest, LoginsThatWouldBeUnsafeOrUnknownBecomeScram) {
  EXPECT_EQ(with_globals("auth_type = trust\n").settings.auth, AuthMode::trust);
  const Imported open = with_globals("auth_type = trust\nlisten_addr = *\n");
  EXPECT_EQ(open.settings.auth, AuthMode::scram);
  EXPECT_TRUE(tells(open.import.lost,
                    "auth_type = trust: trust is refused on addresses that other machines may reach"));
  EXPECT_TRUE(tells(open.import.lost, "[::]:6432"));
  EXPECT_EQ(open.settings.listen[0].host, "0.0.0.0");
  EXPECT_EQ(with_globals("auth_type = plain\n").settings.auth, AuthMode::password);
  EXPECT_TRUE(tells(with_globals("auth_type = hba\nauth_hba_file = h\n").import.lost,
                    "auth_type = hba: not supported"));
  EXPECT_TRUE(tells(with_globals("auth_type = cert\n").import.lost, "auth_type = cert"));
}

TEST_F(PgbouncerImportTest, Md5WithScramSecretsOnlyIsScram) {
  folder_.write("scram.txt", "\"me\" \"" + std::string(kVerifier) + "\"\n");
  const Settings settings =
      imported("[databases]\n*=host=db\n[pgbouncer]\nauth_file=scram.txt\nauth_type=md5\n").settings;
  EXPECT_EQ(settings.auth, AuthMode::scram);
}

TEST_F(PgbouncerImportTest, TlsOfBothSidesIsCarried) {
  for (const char* name : {"s.crt", "s.key", "ca.crt"}) folder_.write(name, "");
  const Imported both = with_globals(
      "client_tls_sslmode = verify-full\nclient_tls_cert_file = s.crt\nclient_tls_key_file = "
      "s.key\nclient_tls_ca_file = ca.crt\n"
      "auth_type = cert\nserver_tls_sslmode = verify-ca\nserver_tls_ca_file = ca.crt\n");
  EXPECT_EQ(both.settings.tls.mode, TlsMode::verify_full);
  EXPECT_EQ(both.settings.auth, AuthMode::cert);
  EXPECT_EQ(both.settings.upstream.tls.mode, TlsMode::verify_ca);
  EXPECT_EQ(both.settings.upstream.tls.ca_file, (folder_.path() / "ca.crt").string());
  const Imported unchecked = with_globals("server_tls_sslmode = require\nserver_tls_ca_file = ca.crt\n");
  EXPECT_EQ(unchecked.settings.upstream.tls.mode, TlsMode::require) << "PgBouncer checks nothing there";
  EXPECT_TRUE(tells(unchecked.import.lost, "server_tls_ca_file"));
  const Imported off = with_globals("client_tls_cert_file = s.crt\nclient_tls_key_file = s.key\n");
  EXPECT_EQ(off.settings.tls.mode, TlsMode::disable);
}

TEST_F(PgbouncerImportTest, AForcedUserLooksOthersUpAndIsTold) {
  const Imported result = imported(
      "[databases]\nshop = host=db user=app password='p w''d'\n[pgbouncer]\nauth_type=scram-sha-256\n");
  EXPECT_EQ(result.settings.upstream.user, "app");
  EXPECT_EQ(result.settings.upstream.password, "p w'd");
  EXPECT_TRUE(
      tells(result.import.lost, "database shop: user=app: every client logs in to the server as itself"));
  EXPECT_TRUE(result.settings.databases.contains("shop"));
}

TEST_F(PgbouncerImportTest, OddValuesSurviveAsTheyAre) {
  const Imported result = imported(
      "[databases]\n\"a: #b\" = host=db dbname='x \"${y}\" \\'\ntrue = host=db\n- = host=db\n"
      "[pgbouncer]\nauth_type = trust\n");
  EXPECT_EQ(result.settings.databases.at("a: #b").server_database, "x \"${y}\" \\");
  EXPECT_TRUE(result.settings.databases.contains("true"));
  EXPECT_TRUE(result.settings.databases.contains("-"));
}

TEST_F(PgbouncerImportTest, ALaterEntryReplacesAnEarlier) {
  const Settings settings =
      with_globals("[databases]\na = host=db pool_size=1\na = host=db pool_size=2\n").settings;
  EXPECT_EQ(settings.databases.at("a").pool.pool_size, 2U);
}

TEST_F(PgbouncerImportTest, BrokenFilesAreTold) {
  const auto problems = [this](std::string_view ini) {
    return to_string(import_pgbouncer(folder_.write("p.ini", ini)).problems);
  };
  EXPECT_NE(problems("[databases\n").find("p.ini:1:1: \"[databases\" has no closing bracket"),
            std::string::npos);
  EXPECT_NE(problems("[pgbouncer]\nnonsense\n").find(":2:1: \"nonsense\" is not of the form key = value"),
            std::string::npos);
  EXPECT_NE(problems("[databases]\na = host='x\n").find("is no list of key=value"), std::string::npos);
  EXPECT_NE(problems("[databases]\n\"a = host=x\n").find("has no closing quote"), std::string::npos);
  EXPECT_NE(problems("[pgbouncer]\nauth_user = m\xfc"
                     "ller\n")
                .find(":2:1: this line is not UTF-8"),
            std::string::npos);
  EXPECT_NE(problems("%include nowhere.ini\n").find("cannot be read"), std::string::npos);
  EXPECT_NE(problems("%include p.ini\n").find("inside each other"), std::string::npos) << "includes itself";
  EXPECT_NE(problems(std::string(2'000'000, 'x')).find("is larger than"), std::string::npos);
  EXPECT_NE(to_string(import_pgbouncer("/nonexistent.ini").problems).find("cannot be read"),
            std::string::npos);
}

TEST_F(PgbouncerImportTest, WithoutDatabasesTheUpstreamIsMissing) {
  const PgbouncerImport import = import_pgbouncer(folder_.write("p.ini", "[pgbouncer]\nauth_type = trust\n"));
  EXPECT_TRUE(tells(import.lost, "no server is known; add upstream:"));
}

TEST(ConnectionString, IsTakenApart) {
  EXPECT_EQ(parse_connection_string(" host=a  port = 5 x='it''s b' y= "),
            (Pairs{{"host", "a"}, {"port", "5"}, {"x", "it's b"}, {"y", ""}}));
  EXPECT_EQ(parse_connection_string(""), Pairs{});
  EXPECT_EQ(parse_connection_string("host"), std::nullopt);
  EXPECT_EQ(parse_connection_string("host='a"), std::nullopt);
}

}  // namespace
}  // namespace forebay::config
