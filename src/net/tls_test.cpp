#include "net/tls.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/tls_test_certificates.hpp"

namespace forebay::net {
namespace {

using config::ClientTls;
using config::ServerTls;
using config::TlsMode;

class TlsSettings : public ::testing::Test {
 protected:
  testing::Directory files_;
  testing::Authority authority_{"Authority"};
  testing::Identity identity_ = authority_.issue({"server"});
  std::string ca_ = files_.write("ca.crt", authority_.certificate());
  std::string certificate_ = files_.write("server.crt", identity_.certificate.get());
  std::string key_ = files_.write("server.key", identity_.key.get());

  static std::string mistake(const ClientTls& settings) { return mistake_in(make_client_facing(settings)); }
  static std::string mistake(const ServerTls& settings) { return mistake_in(make_server_facing(settings)); }

 private:
  static std::string mistake_in(const Result<TlsContext>& result) {
    if (result) return "accepted";
    EXPECT_EQ(result.error().code, ErrorCode::configuration);
    return result.error().text;
  }
};

void expect_says(const std::string& text, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts)
    EXPECT_NE(text.find(part), std::string::npos) << text << "\n  lacks: " << part;
}

TEST_F(TlsSettings, DisableMakesNoContext) {
  EXPECT_FALSE(*make_client_facing({TlsMode::disable, "", "", ""}));
  EXPECT_FALSE(*make_server_facing({TlsMode::disable, "", "", ""}));
}

TEST_F(TlsSettings, EveryModeCanBeMade) {
  for (const TlsMode mode :
       {TlsMode::allow, TlsMode::prefer, TlsMode::require, TlsMode::verify_ca, TlsMode::verify_full}) {
    const auto client_facing = make_client_facing({mode, certificate_, key_, ca_});
    ASSERT_TRUE(client_facing);
    EXPECT_TRUE(*client_facing);
    const auto server_facing = make_server_facing({mode, ca_, certificate_, key_});
    ASSERT_TRUE(server_facing);
    EXPECT_EQ(server_facing->verify_host(), mode == TlsMode::verify_full);
  }
}

TEST_F(TlsSettings, NamesTheMissingFile) {
  const std::string none = files_.path("none.pem");
  expect_says(mistake(ClientTls{TlsMode::require, none, key_, ""}),
              {none, "certificate", "No such file", "path"});
  expect_says(mistake(ClientTls{TlsMode::require, certificate_, none, ""}),
              {none, "key", "No such file", "path"});
  expect_says(mistake(ClientTls{TlsMode::require, certificate_, key_, none}),
              {none, "authority", "No such file"});
  expect_says(mistake(ServerTls{TlsMode::verify_ca, none, "", ""}), {none, "authority", "No such file"});
  expect_says(mistake(ClientTls{TlsMode::require, "", "", ""}),
              {"certificate file and a key file", "set both"});
  expect_says(mistake(ServerTls{TlsMode::require, "", certificate_, ""}),
              {"certificate file and a key file", "set both"});
}

TEST_F(TlsSettings, NamesTheFileThatIsNoPem) {
  const std::string text = files_.write_text("text.pem", "not a certificate\n", 0600);
  expect_says(mistake(ClientTls{TlsMode::require, text, key_, ""}), {text, "not a certificate in PEM"});
  expect_says(mistake(ClientTls{TlsMode::require, certificate_, text, ""}),
              {text, "not a private key in PEM"});
  expect_says(mistake(ClientTls{TlsMode::require, certificate_, key_, text}),
              {text, "no certificate in PEM"});
}

TEST_F(TlsSettings, RefusesAKeyOfAnotherCertificate) {
  const std::string other = files_.write("other.key", authority_.issue({"other"}).key.get());
  expect_says(mistake(ClientTls{TlsMode::require, certificate_, other, ""}), {other, "mismatch"});
}

TEST_F(TlsSettings, RefusesAnEncryptedKeyWithoutAskingForItsPassPhrase) {
  const std::string encrypted = files_.write("encrypted.key", identity_.key.get(), 0600, "secret");
  expect_says(mistake(ClientTls{TlsMode::require, certificate_, encrypted, ""}),
              {encrypted, "encrypted", "openssl pkey"});
}

TEST_F(TlsSettings, RefusesAKeyThatOthersCanRead) {
  for (const mode_t mode : {0644, 0604, 0620, 0660, 0602}) {
    const std::string open = files_.write("open.key", identity_.key.get(), mode);
    expect_says(mistake(ClientTls{TlsMode::require, certificate_, open, ""}), {open, "chmod 600"});
  }
  const std::string group = files_.write("group.key", identity_.key.get(), 0640);
  EXPECT_EQ(mistake(ClientTls{TlsMode::require, certificate_, group, ""}) == "accepted", ::geteuid() == 0);
}

TEST_F(TlsSettings, VerificationNeedsSomebodyToTrust) {
  expect_says(mistake(ClientTls{TlsMode::verify_ca, certificate_, key_, ""}),
              {"verify_ca", "set the CA file"});
  expect_says(mistake(ServerTls{TlsMode::verify_ca, "", "", ""}), {"verify_ca", "set the CA file"});
  EXPECT_EQ(mistake(ServerTls{TlsMode::verify_full, "", "", ""}), "accepted");  // the system's authorities
}

}  // namespace
}  // namespace forebay::net
