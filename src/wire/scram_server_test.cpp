#include "wire/scram_server.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "wire/scram_client.hpp"
#include "wire/scram_crypto.hpp"
#include "wire/scram_text.hpp"

namespace forebay::wire {
namespace {

using namespace std::string_view_literals;

const std::vector<std::byte> kNoBinding;
const std::vector<std::byte> kBinding(48, std::byte{0x5A});
constexpr std::string_view kPlusHeader = "p=tls-server-end-point,,";

ScramVerifier verifier() {
  static const ScramVerifier made = ScramVerifier::from_password("pencil", std::string(16, 's'), 4096);
  return made;
}

std::string nonce_in(std::string_view server_first) {
  return std::string(server_first.substr(2, server_first.find(',') - 2));
}

/// What a client that knows the password says last, with any part of it changed.
struct Final {
  std::string gs2 = "n,,";
  std::string binding{};
  std::string extensions{};
  std::string nonce{};  ///< empty: the server's
  std::string password = "pencil";

  std::pair<std::string, std::string> parts(std::string_view bare, std::string_view server_first) const {
    const ScramKeys keys = derive_scram_keys(password, std::string(16, 's'), 4096);
    const std::string without_proof = "c=" + to_base64(as_bytes(gs2 + binding)) +
                                      ",r=" + (nonce.empty() ? nonce_in(server_first) : nonce) + extensions;
    const std::string auth = std::string(bare) + "," + std::string(server_first) + "," + without_proof;
    const ScramKey proof = scram_xor(keys.client_key, scram_hmac(scram_hash(keys.client_key), auth));
    return {without_proof, to_base64(proof.bytes())};
  }
  std::string text(std::string_view bare, std::string_view server_first) const {
    const auto [without_proof, proof] = parts(bare, server_first);
    return without_proof + ",p=" + proof;
  }
};

constexpr std::string_view kBare = "n=,r=abc";

void expect_failure(const SaslResult<std::string>& result, std::string_view sqlstate, std::string_view text) {
  ASSERT_FALSE(result) << text;
  EXPECT_EQ(result.error().sqlstate, sqlstate) << text;
  EXPECT_EQ(result.error().detail.empty() ? result.error().message : result.error().detail, text);
}

void expect_start_fails(std::string_view mechanism, std::string_view first, std::string_view sqlstate,
                        std::string_view text, const std::vector<std::byte>& binding = kNoBinding) {
  ScramServer server(verifier(), binding);
  expect_failure(server.start(mechanism, first), sqlstate, text);
  EXPECT_FALSE(server.finish("c=biws,r=abc,p=AAAA"));
  EXPECT_FALSE(server.finished());
}

void expect_finish_fails(const std::function<std::string(std::string_view)>& make, std::string_view sqlstate,
                         std::string_view text) {
  ScramServer server(verifier(), kNoBinding);
  const auto first = server.start(kScramSha256, "n,,n=,r=abc");
  ASSERT_TRUE(first);
  expect_failure(server.finish(make(*first)), sqlstate, text);
  EXPECT_FALSE(server.finished());
}

// RFC 7677 section 3.
TEST(ScramServer, FollowsTheTestVector) {
  ScramServer server(ScramVerifier::from_password("pencil", *from_base64("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096),
                     {}, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
  const auto first = server.start("SCRAM-SHA-256", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const auto last = server.finish(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+"
      "Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  ASSERT_TRUE(last);
  EXPECT_EQ(*last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  EXPECT_TRUE(server.finished());
}

TEST(ScramServer, YieldsTheClientsKeys) {
  ScramServer server(verifier(), kNoBinding);
  const auto first = server.start(kScramSha256, "n,,n=,r=abc");
  ASSERT_TRUE(first);
  ASSERT_TRUE(server.finish(Final{}.text(kBare, *first)));
  const ScramKeys expected = derive_scram_keys("pencil", verifier().salt, 4096);
  EXPECT_EQ(server.keys().client_key, expected.client_key);
  EXPECT_EQ(server.keys().server_key, expected.server_key);
  EXPECT_EQ(server.keys().salt, expected.salt);
  EXPECT_EQ(server.keys().iterations, 4096U);
}

TEST(ScramServer, RefusesAWrongPassword) {
  expect_finish_fails([](auto first) { return Final{.password = "wrong"}.text(kBare, first); }, "28P01",
                      "password authentication failed");
}

// The messages, SQLSTATEs and details are those of PostgreSQL 15 for the same bytes, except where the comment
// says so.
TEST(ScramServer, RefusesMalformedFirstMessages) {
  const auto refuse = [](std::string_view first, std::string_view detail) {
    expect_start_fails(kScramSha256, first, "08P01", detail);
  };
  refuse("", "The message is empty.");
  refuse("n", "Comma expected, but found character \"0x00\".");
  refuse("n,", "Unexpected attribute \"0x00\" in client-first-message.");
  refuse("n,,", "Expected attribute \"n\" but found \"0x00\".");
  refuse("n,,n", "Expected character \"=\" for attribute \"n\".");
  refuse("n,,n=", "Expected attribute \"r\" but found \"0x00\".");
  refuse("n,,n=,", "Expected attribute \"r\" but found \"0x00\".");
  refuse("n,,n=,r", "Expected character \"=\" for attribute \"r\".");
  refuse("n,,n=,r=", "The nonce is empty.");                               // PostgreSQL takes it
  refuse("n,,n=,r=abc,", "Attribute expected, but found end of string.");  // PostgreSQL takes it
  refuse("n,,n=,r=abc,,x=1", "Attribute expected, but found invalid character \"','\".");
  refuse("n,,n=,r=abc,1=2", "Attribute expected, but found invalid character \"'1'\".");
  refuse("n,,n=,r=abc,x", "Expected character \"=\" for attribute \"x\".");
  refuse("n,,r=abc,n=", "Expected attribute \"n\" but found \"'r'\".");
  refuse("n,,n=,r=a c", "non-printable characters in SCRAM nonce");
  refuse("n,,n=,r=a\x01", "non-printable characters in SCRAM nonce");
  refuse("n,,n=,r=a\x7f", "non-printable characters in SCRAM nonce");
  refuse("n,,n=,r=\xc3\xa9", "non-printable characters in SCRAM nonce");
  refuse("n,,n=,r=abc\0"sv, "Message length does not match input length.");
  refuse("n,b=x,n=,r=abc", "Unexpected attribute \"'b'\" in client-first-message.");
  refuse("nn,,n=,r=abc", "Comma expected, but found character \"'n'\".");
  refuse("x,,n=,r=abc", "Unexpected channel-binding flag \"'x'\".");
  refuse(",,n=,r=abc", "Unexpected channel-binding flag \"','\".");
  refuse("\xff,,n=,r=abc", "Unexpected channel-binding flag \"0xff\".");
  refuse("n,,n=,r=" + std::string(kMaxSaslFromClient, 'a'), "The message is longer than 1024 bytes.");
}

TEST(ScramServer, TakesTheLongestMessageThatIsAllowed) {
  ScramServer server(verifier(), kNoBinding);
  const std::string head = "n,,n=,r=";
  EXPECT_TRUE(server.start(kScramSha256, head + std::string(kMaxSaslFromClient - head.size(), 'a')));
}

TEST(ScramServer, RefusesWhatItDoesNotSupport) {
  expect_start_fails(kScramSha256, "n,a=other,n=,r=abc", "0A000",
                     "client uses authorization identity, but it is not supported");
  expect_start_fails(kScramSha256, "n,,m=x,n=,r=abc", "0A000",
                     "client requires an unsupported SCRAM extension");
  for (const std::string_view mechanism :
       {""sv, "SCRAM-SHA-1"sv, "scram-sha-256"sv, "SCRAM-SHA-256-PLUS"sv}) {
    expect_start_fails(mechanism, "n,,n=,r=abc", "08P01",
                       "client selected an invalid SASL authentication mechanism");
  }
}

TEST(ScramServer, IgnoresOptionalExtensions) {
  ScramServer server(verifier(), kNoBinding);
  const auto first = server.start(kScramSha256, "n,,n=u=2Cx,r=abc,x=1,y=");
  ASSERT_TRUE(first);
  EXPECT_TRUE(server.finish(Final{.extensions = ",z=1,y=2"}.text("n=u=2Cx,r=abc,x=1,y=", *first)));
}

TEST(ScramServer, RefusesMalformedFinalMessages) {
  const auto refuse = [](const std::function<std::string(std::string, std::string)>& change,
                         std::string_view detail) {
    expect_finish_fails(
        [&](auto first) {
          const auto [without_proof, proof] = Final{}.parts(kBare, first);
          return change(without_proof, proof);
        },
        "08P01", detail);
  };
  const std::string_view bad_proof = "Malformed proof in client-final-message.";
  const std::string_view garbage = "Garbage found at the end of client-final-message.";
  refuse([](auto, auto) { return ""; }, "The message is empty.");
  refuse([](auto, auto) { return "x"; }, "Expected attribute \"c\" but found \"'x'\".");
  refuse([](auto, auto) { return "c"; }, "Expected character \"=\" for attribute \"c\".");
  refuse([](auto, auto) { return "c=biws"; }, "Expected attribute \"r\" but found \"0x00\".");
  refuse([](auto w, auto) { return w; }, "Attribute expected, but found end of string.");
  refuse([](auto w, auto) { return w + ","; }, "Attribute expected, but found end of string.");
  refuse([](auto w, auto) { return w + ",p"; }, "Expected character \"=\" for attribute \"p\".");
  refuse([](auto w, auto) { return w + ",x=1"; }, "Attribute expected, but found end of string.");
  refuse([](auto w, auto p) { return w + ",1=2,p=" + p; },
         "Attribute expected, but found invalid character \"'1'\".");
  refuse([](auto w, auto p) { return "p=" + p + "," + w; }, "Expected attribute \"c\" but found \"'p'\".");
  refuse([](auto, auto p) { return "r=abc,c=biws,p=" + p; }, "Expected attribute \"c\" but found \"'r'\".");
  refuse([](auto w, auto) { return w + ",p="; }, bad_proof);
  refuse([](auto w, auto p) { return w + ",p=" + p.substr(0, 40); }, bad_proof);
  refuse([](auto w, auto p) { return w + ",p=" + p.substr(0, 43); }, bad_proof);
  refuse([](auto w, auto p) { return w + ",p=" + p + "AAAA"; }, bad_proof);
  refuse([](auto w, auto) { return w + ",p=" + std::string(44, 'A'); }, bad_proof);
  refuse([](auto w, auto) { return w + ",p=" + std::string(44, '!'); }, bad_proof);
  refuse([](auto w, auto p) { return w + ",p=" + p + ","; }, garbage);  // PostgreSQL takes it
  refuse([](auto w, auto p) { return w + ",p=" + p + ",x=1"; }, garbage);
  refuse([](auto w, auto p) { return w + ",p=" + p + '\0'; }, "Message length does not match input length.");
  refuse([](auto w, auto p) { return w + ",x=" + std::string(1024, 'x') + ",p=" + p; },
         "The message is longer than 1024 bytes.");
}

TEST(ScramServer, RefusesAnotherNonce) {
  for (const char* nonce : {"abc", "abcd", "abd", "x"}) {
    expect_finish_fails([&](auto first) { return Final{.nonce = nonce}.text(kBare, first); }, "08P01",
                        "Nonce does not match.");
  }
  expect_finish_fails([](auto first) { return Final{.nonce = nonce_in(first) + "x"}.text(kBare, first); },
                      "08P01", "Nonce does not match.");
}

TEST(ScramServer, RefusesMessagesOutOfTurn) {
  ScramServer early(verifier(), kNoBinding);
  EXPECT_FALSE(early.finish("c=biws,r=abc,p=AAAA"));
  EXPECT_FALSE(early.start(kScramSha256, "n,,n=,r=abc"));

  ScramServer twice(verifier(), kNoBinding);
  const auto first = twice.start(kScramSha256, "n,,n=,r=abc");
  ASSERT_TRUE(first);
  EXPECT_FALSE(twice.start(kScramSha256, "n,,n=,r=abc"));
  EXPECT_FALSE(twice.finish(Final{}.text(kBare, *first)));

  ScramServer done(verifier(), kNoBinding);
  const auto again = done.start(kScramSha256, "n,,n=,r=abc");
  ASSERT_TRUE(again);
  const std::string last = Final{}.text(kBare, *again);
  ASSERT_TRUE(done.finish(last));
  EXPECT_FALSE(done.finish(last));
}

TEST(ScramServer, BindsToTheChannel) {
  const std::string binding(as_text(kBinding));
  const auto run = [&](std::string_view mechanism, const std::string& gs2, const Final& last) {
    ScramServer server(verifier(), kBinding);
    const auto first = server.start(mechanism, gs2 + "n=,r=abc");
    return first ? server.finish(last.text(kBare, *first)) : first;
  };
  const std::string plus(kPlusHeader);
  EXPECT_TRUE(run(kScramSha256Plus, plus, {.gs2 = plus, .binding = binding}));
  EXPECT_TRUE(run(kScramSha256, "n,,", {}));
  const std::string_view failed = "SCRAM channel binding check failed";
  expect_failure(run(kScramSha256Plus, plus, {.gs2 = plus}), "28000", failed);
  expect_failure(run(kScramSha256Plus, plus, {.gs2 = plus, .binding = std::string(48, 'x')}), "28000",
                 failed);
  expect_failure(run(kScramSha256Plus, plus, {.gs2 = plus, .binding = binding + "x"}), "28000", failed);
  expect_failure(run(kScramSha256Plus, plus, {}), "28000", failed);
  const std::string_view unexpected = "unexpected SCRAM channel-binding attribute in client-final-message";
  expect_failure(run(kScramSha256, "n,,", {.gs2 = "y,,"}), "08P01", unexpected);
  expect_failure(run(kScramSha256, "n,,", {.gs2 = plus, .binding = binding}), "08P01", unexpected);
}

TEST(ScramServer, RefusesBindingFlagsThatDoNotFitTheMechanism) {
  const auto refuse = [](std::string_view mechanism, std::string_view first, std::string_view sqlstate,
                         std::string_view text) {
    expect_start_fails(mechanism, first, sqlstate, text, kBinding);
  };
  refuse(
      kScramSha256Plus, "n,,n=,r=abc", "08P01",
      "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.");
  refuse(
      kScramSha256Plus, "y,,n=,r=abc", "08P01",
      "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.");
  refuse(kScramSha256, "p=tls-server-end-point,,n=,r=abc", "08P01",
         "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel "
         "binding data.");
  refuse(kScramSha256, "y,,n=,r=abc", "28000",
         "The client supports SCRAM channel binding but thinks the server does not.  However, this server "
         "does support "
         "channel binding.");
  refuse(kScramSha256Plus, "p=tls-unique,,n=,r=abc", "08P01",
         "unsupported SCRAM channel-binding type \"tls-unique\"");
  refuse(kScramSha256Plus, "p=t\x01,,n=,r=abc", "08P01", "unsupported SCRAM channel-binding type \"t?\"");
  refuse(kScramSha256Plus, "p,,n=,r=abc", "08P01", "Expected character \"=\" for attribute \"p\".");
  refuse(kScramSha256Plus, "p=tls-server-end-point,n=,r=abc", "08P01",
         "Unexpected attribute \"'n'\" in client-first-message.");
}

TEST(ScramServer, WithoutBindingAClientMaySayThatItCould) {
  ScramServer server(verifier(), kNoBinding);
  const auto first = server.start(kScramSha256, "y,,n=,r=abc");
  ASSERT_TRUE(first);
  EXPECT_TRUE(server.finish(Final{.gs2 = "y,,"}.text(kBare, *first)));
}

TEST(ScramServer, AnUnknownUserLooksLikeAnyOther) {
  const ScramKey secret = *ScramKey::from(std::string(32, 'k'));
  const auto salt_of = [&](std::string_view user, const ScramKey& key) {
    ScramServer server = ScramServer::for_unknown_user(user, key, {});
    const auto first = server.start(kScramSha256, "n,,n=,r=abc");
    EXPECT_TRUE(first);
    const std::size_t from = first->find(",s=");
    EXPECT_TRUE(first->ends_with(",i=4096"));
    return first->substr(from);
  };
  EXPECT_EQ(salt_of("alice", secret), salt_of("alice", secret));
  EXPECT_NE(salt_of("alice", secret), salt_of("bob", secret));
  EXPECT_NE(salt_of("alice", secret), salt_of("alice", *ScramKey::from(std::string(32, 'x'))));
  EXPECT_EQ(salt_of("alice", secret).size(), std::string_view(",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").size());

  ScramServer server = ScramServer::for_unknown_user("alice", secret, {});
  const auto first = server.start(kScramSha256, "n,,n=,r=abc");
  ASSERT_TRUE(first);
  expect_failure(server.finish(Final{}.text(kBare, *first)), "28P01", "password authentication failed");
  EXPECT_FALSE(server.finished());
}

}  // namespace
}  // namespace forebay::wire
