#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/stream.hpp"
#include "net/stream_test_helpers.hpp"
#include "net/tls.hpp"
#include "net/tls_test_certificates.hpp"

namespace forebay::net {
namespace {

using config::ClientTls;
using config::ServerTls;
using config::TlsMode;
using testing::read_status;
using testing::read_text;
using testing::write_text;

struct Pair {
  Pair() { testing::connect(server, client); }
  Stream server;
  Stream client;
};

bool is_blocked(IoStatus status) {
  return status == IoStatus::would_block_read || status == IoStatus::would_block_write;
}

/// Drives both sides until neither waits for the other. TLS 1.3 needs three turns; the bound ends a broken
/// test.
struct Handshake {
  IoStatus server = IoStatus::would_block_read;
  IoStatus client = IoStatus::would_block_read;

  explicit Handshake(Pair& pair) {
    for (int turn = 0; turn < 10 && (is_blocked(server) || is_blocked(client)); ++turn) {
      if (is_blocked(client)) client = pair.client.handshake();
      if (is_blocked(server)) server = pair.server.handshake();
    }
  }
  bool done() const { return server == IoStatus::ok && client == IoStatus::ok; }
};

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 + i / 251);
  return text;
}

class TlsStream : public ::testing::Test {
 protected:
  testing::Directory files_;
  testing::Authority authority_{"Authority"};
  testing::Authority stranger_{"Stranger"};
  std::string ca_ = files_.write("ca.crt", authority_.certificate());
  std::string stranger_ca_ = files_.write("stranger.crt", stranger_.certificate());

  ClientTls identity(const std::string& name, const testing::Identity& made) {
    return {TlsMode::require, files_.write(name + ".crt", made.certificate.get()),
            files_.write(name + ".key", made.key.get()), ""};
  }
  ClientTls server_identity(const testing::Subject& subject) {
    return identity("server", authority_.issue(subject));
  }
  ServerTls client_identity(const testing::Authority& issuer, const testing::Subject& subject) {
    const ClientTls files = identity("client", issuer.issue(subject));
    return {TlsMode::require, "", files.certificate_file, files.key_file};
  }

  static void start(Pair& pair, const TlsContext& server, const TlsContext& client,
                    const std::string& host = "db.example") {
    ASSERT_TRUE(pair.server.start_tls_server(server));
    ASSERT_TRUE(pair.client.start_tls_client(client, host));
  }

  /// Two ends with TLS up, and nobody verified.
  struct Connected : Pair {
    explicit Connected(const ClientTls& server_settings) {
      start(*this, *make_client_facing(server_settings), *make_server_facing({TlsMode::require, "", "", ""}));
      EXPECT_TRUE(Handshake(*this).done());
    }
  };

  ClientTls plain_server() { return server_identity({"db.example"}); }
};

TEST_F(TlsStream, MovesBytesBothWays) {
  Connected pair(plain_server());
  EXPECT_TRUE(pair.server.has_tls());
  EXPECT_EQ(write_text(pair.client, "question").status, IoStatus::ok);
  EXPECT_EQ(read_text(pair.server), "question");
  EXPECT_EQ(write_text(pair.server, "answer").bytes, 6U);
  EXPECT_EQ(read_text(pair.client), "answer");
  EXPECT_EQ(read_status(pair.client), IoStatus::would_block_read);
  EXPECT_EQ(pair.server.tls_version(), "TLSv1.3");
  EXPECT_EQ(pair.server.tls_cipher(), pair.client.tls_cipher());
  EXPECT_TRUE(pair.server.tls_cipher().starts_with("TLS_"));
}

TEST_F(TlsStream, ContextMayGoFirst) {
  Connected pair(plain_server());  // its contexts are gone already
  write_text(pair.client, "x");
  EXPECT_EQ(read_text(pair.server), "x");
}

TEST_F(TlsStream, MovesWithItsState) {
  Connected pair(plain_server());
  Stream server = std::move(pair.server);
  Stream client;
  client = std::move(pair.client);
  write_text(client, "moved");
  EXPECT_EQ(read_text(server), "moved");
}

// A big write meets a full socket again and again, and every retry comes from another address.
TEST_F(TlsStream, WritesInPartsFromMovingBuffers) {
  Connected pair(plain_server());
  const std::string text = pattern(3 << 20);
  std::string received;
  std::size_t sent = 0;
  int blocked = 0;
  while (sent < text.size()) {
    const std::string copy = text.substr(sent);
    const IoResult result = write_text(pair.client, copy);
    sent += result.bytes;
    if (result.status == IoStatus::ok) continue;
    ASSERT_EQ(result.status, IoStatus::would_block_write);
    ++blocked;
    received += read_text(pair.server, 100'000);
  }
  for (std::string part; !(part = read_text(pair.server)).empty();) received += part;
  EXPECT_GT(blocked, 2);
  EXPECT_TRUE(received == text);
}

TEST_F(TlsStream, SaysWhatOpenSslHoldsBack) {
  Connected pair(plain_server());
  EXPECT_FALSE(pair.server.has_buffered());
  write_text(pair.client, "twelve bytes");
  EXPECT_FALSE(pair.server.has_buffered());  // still in the socket, which announces it
  EXPECT_EQ(read_text(pair.server, 6), "twelve");
  EXPECT_TRUE(pair.server.has_buffered());
  EXPECT_EQ(read_text(pair.server, 6), " bytes");
  EXPECT_FALSE(pair.server.has_buffered());
}

TEST_F(TlsStream, SaysThatWholeRecordsAreHeldBack) {
  Connected pair(plain_server());
  write_text(pair.client, "one");
  write_text(pair.client, "two");
  EXPECT_EQ(read_text(pair.server, 3), "one");
  EXPECT_TRUE(pair.server.has_buffered());
  EXPECT_EQ(read_text(pair.server, 3), "two");
  EXPECT_FALSE(pair.server.has_buffered());
}

TEST_F(TlsStream, HalfARecordIsNotAnnounced) {
  Connected pair(plain_server());
  write_text(pair.client, "a record in two parts");
  std::array<char, 256> raw;
  const ssize_t size = ::recv(pair.server.fd(), raw.data(), raw.size(), 0);
  ASSERT_GT(size, 20);
  ASSERT_EQ(::send(pair.client.fd(), raw.data(), 20, 0),
            20);  // the client's end writes what the server's will read
  EXPECT_EQ(read_status(pair.server), IoStatus::would_block_read);
  EXPECT_FALSE(pair.server.has_buffered());
  ASSERT_EQ(::send(pair.client.fd(), raw.data() + 20, static_cast<std::size_t>(size - 20), 0), size - 20);
  EXPECT_EQ(read_text(pair.server), "a record in two parts");
}

TEST_F(TlsStream, BytesMayComeWithTheEndOfTheHandshake) {
  Pair pair;
  start(pair, *make_client_facing(plain_server()), *make_server_facing({TlsMode::require, "", "", ""}));
  EXPECT_EQ(pair.client.handshake(), IoStatus::would_block_read);
  EXPECT_EQ(pair.server.handshake(), IoStatus::would_block_read);
  EXPECT_EQ(pair.client.handshake(), IoStatus::ok);
  write_text(pair.client, "early bird");
  EXPECT_EQ(pair.server.handshake(), IoStatus::ok);
  EXPECT_TRUE(pair.server.has_buffered());
  EXPECT_EQ(read_text(pair.server), "early bird");
}

/// A peer that sends what no Stream would.
class OddPeer {
 public:
  OddPeer(Pair& pair, const TlsContext& context) : tls_(SSL_new(context.get()), SSL_free) {
    SSL_set_fd(tls_.get(), pair.client.fd());
    SSL_set_connect_state(tls_.get());
    for (int turn = 0; turn < 10 && !is_done_; ++turn) {
      is_done_ = SSL_do_handshake(tls_.get()) == 1;
      EXPECT_NE(pair.server.handshake(), IoStatus::error);
    }
  }
  bool is_done() const { return is_done_; }

  /// What it would send: so many changes of its key, and then `text`.
  std::string change_keys(int times, std::string_view text) {
    BIO* const output = BIO_new(BIO_s_mem());
    SSL_set0_wbio(tls_.get(), output);
    for (int i = 0; i < times; ++i) {
      EXPECT_EQ(SSL_key_update(tls_.get(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
      EXPECT_EQ(SSL_do_handshake(tls_.get()), 1);
    }
    const int length = static_cast<int>(text.size());
    EXPECT_EQ(SSL_write(tls_.get(), text.data(), length), length);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(output, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
  }

 private:
  std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
  bool is_done_ = false;
};

/// Bytes that the socket has and nobody has taken yet.
std::size_t waiting_in(const Stream& stream) {
  int bytes = 0;
  EXPECT_EQ(::ioctl(stream.fd(), FIONREAD, &bytes), 0);
  return static_cast<std::size_t>(bytes);
}

// Each costs us much more than him, and no other client of the thread had its turn meanwhile.
TEST_F(TlsStream, APeerThatOnlyChangesItsKeysKeepsOneReadBusy) {
  Pair pair;
  const int room = 1 << 20;
  ::setsockopt(pair.client.fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  ASSERT_TRUE(pair.server.start_tls_server(*make_client_facing(plain_server())));
  OddPeer peer(pair, *make_server_facing({TlsMode::require, "", "", ""}));
  ASSERT_TRUE(peer.is_done());
  ASSERT_EQ(pair.server.tls_version(), "TLSv1.3");
  // More than twice what OpenSSL is given at once.
  const std::string sent = peer.change_keys(6000, "after all of them");
  ASSERT_GT(sent.size(), 150'000U);
  ASSERT_EQ(::send(pair.client.fd(), sent.data(), sent.size(), 0), static_cast<ssize_t>(sent.size()));
  EXPECT_EQ(read_text(pair.server), "");
  EXPECT_GT(waiting_in(pair.server), sent.size() / 2) << "one read has taken more than its part";
  std::string text;
  for (int reads = 0; text.empty() && reads < 10'000; ++reads) {
    ASSERT_TRUE(pair.server.has_buffered() || waiting_in(pair.server) > 0) << "nothing tells of more";
    text = read_text(pair.server);
  }
  EXPECT_EQ(text, "after all of them");
  EXPECT_EQ(read_status(pair.server), IoStatus::would_block_read);
  EXPECT_FALSE(pair.server.has_buffered());
}

TEST_F(TlsStream, SaysWhenThePeerHasClosed) {
  Connected orderly(plain_server());
  write_text(orderly.client, "last words");
  orderly.client.shutdown();
  EXPECT_EQ(read_text(orderly.server), "last words");
  EXPECT_EQ(read_status(orderly.server), IoStatus::closed);
  EXPECT_EQ(read_status(orderly.server), IoStatus::closed);

  Connected abrupt(plain_server());
  abrupt.client.close();
  EXPECT_EQ(read_status(abrupt.server), IoStatus::closed);
}

TEST_F(TlsStream, WritingToAClosedPeerGivesNoSignal) {
  Connected pair(plain_server());
  pair.client.close();
  EXPECT_EQ(write_text(pair.server, "x").status, IoStatus::closed);
}

TEST_F(TlsStream, ClosingDuringTheHandshakeIsAClose) {
  Pair pair;
  start(pair, *make_client_facing(plain_server()), *make_server_facing({TlsMode::require, "", "", ""}));
  EXPECT_EQ(pair.client.handshake(), IoStatus::would_block_read);
  pair.client.close();
  EXPECT_EQ(pair.server.handshake(), IoStatus::closed);
}

TEST_F(TlsStream, RefusesWhatIsNotTls) {
  Pair pair;
  ASSERT_TRUE(pair.server.start_tls_server(*make_client_facing(plain_server())));
  write_text(pair.client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(pair.server.handshake(), IoStatus::error);
  EXPECT_EQ(pair.server.error_text(), "http request");
}

TEST_F(TlsStream, RefusesOldVersions) {
  Pair pair;
  const TlsContext old = *make_server_facing({TlsMode::require, "", "", ""});
  SSL_CTX_set_min_proto_version(old.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
  SSL_CTX_set_security_level(old.get(), 0);
  start(pair, *make_client_facing(plain_server()), old);
  const Handshake handshake(pair);
  EXPECT_EQ(handshake.server, IoStatus::error);
  EXPECT_EQ(pair.server.error_text(), "unsupported protocol");
}

TEST_F(TlsStream, SpeaksTls12) {
  Pair pair;
  const TlsContext older = *make_server_facing({TlsMode::require, "", "", ""});
  SSL_CTX_set_max_proto_version(older.get(), TLS1_2_VERSION);
  start(pair, *make_client_facing(plain_server()), older);
  ASSERT_TRUE(Handshake(pair).done());
  EXPECT_EQ(pair.server.tls_version(), "TLSv1.2");
  write_text(pair.client, "hello");
  EXPECT_EQ(read_text(pair.server), "hello");
}

TEST_F(TlsStream, NeedsAContext) {
  Pair pair;
  EXPECT_EQ(pair.server.start_tls_server(TlsContext()).error().code, ErrorCode::configuration);
  EXPECT_EQ(pair.client.start_tls_client(TlsContext(), "x").error().code, ErrorCode::configuration);
  EXPECT_FALSE(pair.server.has_tls());
}

TEST_F(TlsStream, VerifiesTheServer) {
  const TlsContext server = *make_client_facing(
      server_identity({"ignored.example", "DNS:db.example,DNS:*.pool.example,IP:127.0.0.1,IP:::1"}));
  const auto outcome = [&](TlsMode mode, const std::string& ca, const std::string& host) -> std::string {
    Pair pair;
    start(pair, server, *make_server_facing({mode, ca, "", ""}), host);
    const Handshake handshake(pair);
    EXPECT_EQ(pair.client.peer_verified(), handshake.done() && !ca.empty());
    return handshake.client == IoStatus::ok ? "ok" : pair.client.error_text();
  };
  for (const char* host : {"db.example", "DB.example", "a.pool.example", "127.0.0.1", "::1"}) {
    EXPECT_EQ(outcome(TlsMode::verify_full, ca_, host), "ok") << host;
  }
  for (const char* host :
       {"other.example", "ignored.example", "pool.example", "a.b.pool.example", "db.example.org"}) {
    EXPECT_EQ(outcome(TlsMode::verify_full, ca_, host), "certificate verify failed: hostname mismatch")
        << host;
  }
  EXPECT_EQ(outcome(TlsMode::verify_full, ca_, "127.0.0.2"),
            "certificate verify failed: IP address mismatch");
  EXPECT_EQ(outcome(TlsMode::verify_ca, ca_, "other.example"), "ok");
  EXPECT_EQ(outcome(TlsMode::require, ca_, "other.example"), "ok");
  EXPECT_EQ(outcome(TlsMode::require, "", "other.example"), "ok");
  const std::string unknown = "certificate verify failed: unable to get local issuer certificate";
  EXPECT_EQ(outcome(TlsMode::verify_full, stranger_ca_, "db.example"), unknown);
  EXPECT_EQ(outcome(TlsMode::verify_ca, stranger_ca_, "db.example"), unknown);
  EXPECT_EQ(outcome(TlsMode::require, stranger_ca_, "db.example"), unknown);
  EXPECT_EQ(outcome(TlsMode::verify_full, "", "db.example"), unknown);
}

TEST_F(TlsStream, AnEmptyNameCannotBeVerified) {
  Pair pair;
  const auto started =
      pair.client.start_tls_client(*make_server_facing({TlsMode::verify_full, ca_, "", ""}), "");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::configuration);
  EXPECT_FALSE(pair.client.has_tls());
}

TEST_F(TlsStream, SendsTheServersNameButNoAddress) {
  const TlsContext server = *make_client_facing(plain_server());
  const TlsContext client = *make_server_facing({TlsMode::require, "", "", ""});
  std::string seen;
  SSL_CTX_set_tlsext_servername_arg(server.get(), &seen);
  SSL_CTX_set_tlsext_servername_callback(
      server.get(), +[](SSL* tls, int*, void* to) {
        const char* const name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
        *static_cast<std::string*>(to) = name != nullptr ? name : "none";
        return SSL_TLSEXT_ERR_OK;
      });
  const auto name_for = [&](const std::string& host) {
    Pair pair;
    start(pair, server, client, host);
    EXPECT_TRUE(Handshake(pair).done());
    return seen;
  };
  EXPECT_EQ(name_for("db.example"), "db.example");
  EXPECT_EQ(name_for("127.0.0.1"), "none");
  EXPECT_EQ(name_for("::1"), "none");
  EXPECT_EQ(name_for(""), "none");
}

TEST_F(TlsStream, KnowsAClientByItsCertificate) {
  ClientTls settings = plain_server();
  settings.mode = TlsMode::verify_ca;
  settings.ca_file = ca_;
  Pair pair;
  start(pair, *make_client_facing(settings),
        *make_server_facing(
            client_identity(authority_, {"alice", "DNS:app.example,email:alice@example.org,IP:10.0.0.1"})));
  ASSERT_TRUE(Handshake(pair).done());
  EXPECT_TRUE(pair.server.peer_verified());
  EXPECT_EQ(pair.server.peer_common_name(), "alice");
}

TEST_F(TlsStream, DemandsAClientCertificateWhenItMust) {
  ClientTls settings = plain_server();
  settings.ca_file = ca_;
  const auto outcome = [&](TlsMode mode, const ServerTls& client) -> std::string {
    settings.mode = mode;
    Pair pair;
    start(pair, *make_client_facing(settings), *make_server_facing(client));
    const Handshake handshake(pair);
    if (handshake.server != IoStatus::ok) return pair.server.error_text();
    return pair.server.peer_verified() ? "verified" : "anonymous";
  };
  const ServerTls none{TlsMode::require, "", "", ""};
  EXPECT_EQ(outcome(TlsMode::verify_full, none), "peer did not return a certificate");
  EXPECT_EQ(outcome(TlsMode::require, none), "anonymous");
  const std::string unknown = "certificate verify failed: unable to get local issuer certificate";
  EXPECT_EQ(outcome(TlsMode::require, client_identity(stranger_, {"alice"})), unknown);
  EXPECT_EQ(outcome(TlsMode::require, client_identity(authority_, {"alice"})), "verified");
}

TEST_F(TlsStream, DoesNotBelieveANameWithAZeroByte) {
  ClientTls settings = plain_server();
  settings.ca_file = ca_;
  Pair pair;
  start(pair, *make_client_facing(settings),
        *make_server_facing(client_identity(authority_, {std::string("admin\0.evil.example", 19)})));
  ASSERT_TRUE(Handshake(pair).done());
  EXPECT_TRUE(pair.server.peer_verified());
  EXPECT_EQ(pair.server.peer_common_name(), "");
}

TEST_F(TlsStream, AnUnverifiedServerHasNoName) {
  Connected pair(plain_server());
  EXPECT_FALSE(pair.client.peer_verified());
  EXPECT_EQ(pair.client.peer_common_name(), "");
}

std::vector<std::byte> digest_of(X509* certificate, const EVP_MD* hash) {
  std::vector<std::byte> digest(static_cast<std::size_t>(EVP_MD_get_size(hash)));
  X509_digest(certificate, hash, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  return digest;
}

TEST_F(TlsStream, BothSidesBindToTheServersCertificate) {
  for (const EVP_MD* hash : {EVP_sha256(), EVP_sha384(), EVP_sha512()}) {
    const testing::Identity made = authority_.issue({"db.example", "", hash});
    Connected pair(identity("bound", made));
    EXPECT_EQ(pair.server.channel_binding(), digest_of(made.certificate.get(), hash));
    EXPECT_EQ(pair.client.channel_binding(), pair.server.channel_binding());
  }
}

TEST_F(TlsStream, ACertificateSignedWithoutAHashBindsNothing) {
  const testing::Authority ed25519 = testing::Authority::with_ed25519("Ed25519");
  Connected pair(identity("ed25519", ed25519.issue({"db.example", "", nullptr})));
  EXPECT_TRUE(pair.server.channel_binding().empty());
  EXPECT_TRUE(pair.client.channel_binding().empty());
}

TEST_F(TlsStream, BindsNothingBeforeTheHandshake) {
  Pair pair;
  start(pair, *make_client_facing(plain_server()), *make_server_facing({TlsMode::require, "", "", ""}));
  EXPECT_TRUE(pair.server.channel_binding().empty());
  EXPECT_EQ(pair.server.tls_version(), "");
}

}  // namespace
}  // namespace forebay::net
