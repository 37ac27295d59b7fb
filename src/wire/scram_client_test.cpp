#include "wire/scram_client.hpp"

#include <gtest/gtest.h>

#include "wire/scram_server.hpp"
#include "wire/scram_text.hpp"

namespace forebay::wire {
namespace {

using namespace std::string_view_literals;

const std::vector<std::byte> kBinding(32, std::byte{0x5A});
constexpr auto kPlain = "SCRAM-SHA-256\0\0"sv;
constexpr auto kBoth = "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"sv;
constexpr std::string_view kSalt = "c2FsdHNhbHRzYWx0c2FsdA==";

ScramClient client_with(std::string_view password, bool tls = false, std::vector<std::byte> binding = {}) {
  return {SecretText(password), tls, std::move(binding)};
}

/// Runs a whole login of `client` at `server`.
Result<void> log_in(ScramClient& client, ScramServer& server, std::string_view mechanisms) {
  const auto first = client.start(as_bytes(mechanisms));
  if (!first) return first.error();
  const auto challenge = server.start(client.mechanism(), *first);
  if (!challenge) return Error{ErrorCode::authentication, challenge.error().message};
  const auto response = client.respond(*challenge);
  if (!response) return response.error();
  const auto last = server.finish(*response);
  if (!last) return Error{ErrorCode::authentication, last.error().message};
  return client.finish(*last);
}

// RFC 7677 section 3.
TEST(ScramClient, FollowsTheTestVector) {
  ScramClient client = client_with("pencil");
  client.set_user("user");
  client.set_nonce("rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(client.start(as_bytes(kPlain)).value(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  EXPECT_EQ(
      client.respond("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
          .value(),
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  EXPECT_TRUE(client.finish("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
  EXPECT_TRUE(client.finished());
}

TEST(ScramClient, LogsInWithAPasswordAndThenWithItsKeys) {
  const ScramVerifier verifier = ScramVerifier::from_password("caf\u00E9");
  ScramServer first_server(verifier, {});
  ScramClient first = client_with("cafe\u0301");
  ASSERT_TRUE(log_in(first, first_server, kPlain));
  EXPECT_TRUE(first_server.finished());

  ScramServer second_server(verifier, {});
  ScramClient second(first.keys(), false, {});
  EXPECT_TRUE(log_in(second, second_server, kPlain));
  EXPECT_TRUE(second_server.finished());
}

TEST(ScramClient, PassesALoginThrough) {
  const ScramVerifier verifier = ScramVerifier::from_password("secret");
  ScramServer front(verifier, {});
  ScramClient application = client_with("secret");
  ASSERT_TRUE(log_in(application, front, kPlain));

  ScramServer postgres(verifier, kBinding);
  ScramClient backend(front.keys(), true, kBinding);
  EXPECT_TRUE(log_in(backend, postgres, kBoth));
  EXPECT_TRUE(backend.finished());
  EXPECT_TRUE(postgres.finished());
}

TEST(ScramClient, SaysWhenTheKeysAreVoid) {
  ScramServer server(ScramVerifier::from_password("new password"), {});
  const ScramVerifier old = ScramVerifier::from_password("old password");
  ScramClient client(derive_scram_keys("old password", old.salt, old.iterations), false, {});
  const auto result = log_in(client, server, kPlain);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::authentication);
  EXPECT_NE(result.error().text.find("has been changed"), std::string::npos);
}

TEST(ScramClient, ChoosesChannelBindingWhereItCan) {
  const auto first_of = [](std::string_view list, bool tls, std::vector<std::byte> binding) {
    ScramClient client = client_with("x", tls, std::move(binding));
    client.set_nonce("N");
    const auto first = client.start(as_bytes(list));
    return first ? std::string(client.mechanism()) + " " + *first : first.error().text;
  };
  EXPECT_EQ(first_of(kBoth, true, kBinding), "SCRAM-SHA-256-PLUS p=tls-server-end-point,,n=,r=N");
  EXPECT_EQ(first_of(kPlain, true, kBinding), "SCRAM-SHA-256 y,,n=,r=N");
  EXPECT_EQ(first_of(kBoth, true, {}), "SCRAM-SHA-256 n,,n=,r=N");
  EXPECT_EQ(first_of(kPlain, false, {}), "SCRAM-SHA-256 n,,n=,r=N");
  EXPECT_EQ(first_of(kBoth, false, {}), "SCRAM-SHA-256 n,,n=,r=N");
}

TEST(ScramClient, NoticesARemovedMechanism) {
  ScramServer server(ScramVerifier::from_password("x", 1), kBinding);
  ScramClient client = client_with("x", true, kBinding);
  const auto result = log_in(client, server, kPlain);  // the list has lost SCRAM-SHA-256-PLUS on its way
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "SCRAM channel binding negotiation error");
}

TEST(ScramClient, NoticesAnotherCertificate) {
  ScramServer server(ScramVerifier::from_password("x", 1), std::vector<std::byte>(32, std::byte{1}));
  ScramClient client = client_with("x", true, kBinding);
  const auto result = log_in(client, server, kBoth);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "SCRAM channel binding check failed");
}

TEST(ScramClient, RefusesMechanismListsThatAreBroken) {
  for (const std::string_view list : {""sv, "SCRAM-SHA-256"sv, "SCRAM-SHA-256\0"sv, "SCRAM-SHA-256\0\0x"sv}) {
    ScramClient client = client_with("x");
    const auto first = client.start(as_bytes(list));
    ASSERT_FALSE(first) << list;
    EXPECT_EQ(first.error().code, ErrorCode::invalid_input);
  }
  for (const std::string_view list : {"\0"sv, "SCRAM-SHA-1\0\0"sv, "OAUTHBEARER\0X\n\0\0"sv}) {
    ScramClient client = client_with("x");
    const auto first = client.start(as_bytes(list));
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, ErrorCode::unsupported);
    EXPECT_EQ(first.error().text.find('\n'), std::string::npos);
  }
}

Result<std::string> respond_to(const std::string& server_first) {
  ScramClient client = client_with("x");
  client.set_nonce("N");
  EXPECT_TRUE(client.start(as_bytes(kPlain)));
  return client.respond(server_first);
}

TEST(ScramClient, RefusesMalformedChallenges) {
  const std::string salt(kSalt);
  ASSERT_TRUE(respond_to("r=N1,s=" + salt + ",i=1"));
  for (const std::string& message : {std::string(),
                                     std::string("r"),
                                     std::string("r="),
                                     std::string("r=N1"),
                                     std::string("r=N1,"),
                                     "r=N1,s=" + salt,
                                     "r=N1,s=" + salt + ",",
                                     "r=N1,s=" + salt + ",i",
                                     "r=N1,s=" + salt + ",i=",
                                     "r=N1,s=" + salt + ",i=0",
                                     "r=N1,s=" + salt + ",i=-1",
                                     "r=N1,s=" + salt + ",i=1x",
                                     "r=N1,s=" + salt + ",i=1,",
                                     "r=N1,s=" + salt + ",i=1,x=2",
                                     "r=N1,s=" + salt + ",i=99999999999",
                                     "s=" + salt + ",r=N1,i=1",
                                     "r=N1,i=1,s=" + salt,
                                     "m=x,r=N1,s=" + salt + ",i=1",
                                     "r=N,s=" + salt + ",i=1",
                                     "r=X1,s=" + salt + ",i=1",
                                     "r=n1,s=" + salt + ",i=1",
                                     "r=N\x01,s=" + salt + ",i=1",
                                     "r=N 1,s=" + salt + ",i=1",
                                     std::string("r=N1,s=,i=1"),
                                     std::string("r=N1,s=!!!!,i=1"),
                                     std::string("r=N1,s=AAA,i=1"),
                                     "r=N1 s=" + salt + ",i=1",
                                     "r=N1,s=" + std::string(344, 'A') + ",i=1",
                                     "r=N" + std::string(2000, '1') + ",s=" + salt + ",i=1",
                                     "r=N1,s=" + salt + ",i=1" + '\0'}) {
    const auto response = respond_to(message);
    ASSERT_FALSE(response) << message;
    EXPECT_EQ(response.error().code, ErrorCode::invalid_input) << message;
  }
}

TEST(ScramClient, DoesNotComputeBeyondItsLimit) {
  const auto response = respond_to("r=N1,s=" + std::string(kSalt) + ",i=1000001");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::limit);
}

TEST(ScramClient, KeysNeedNoIterations) {
  ScramKeys keys = derive_scram_keys("x", "saltsaltsaltsalt", 1);
  keys.iterations = 2'000'000'000;
  ScramClient client(keys, false, {});
  client.set_nonce("N");
  ASSERT_TRUE(client.start(as_bytes(kPlain)));
  EXPECT_TRUE(client.respond("r=N1,s=" + std::string(kSalt) + ",i=2000000000"));
}

TEST(ScramClient, RefusesAServerThatDoesNotKnowTheVerifier) {
  const auto finish_with = [](const std::string& server_final) {
    ScramClient client = client_with("x");
    client.set_nonce("N");
    EXPECT_TRUE(client.start(as_bytes(kPlain)));
    EXPECT_TRUE(client.respond("r=N1,s=" + std::string(kSalt) + ",i=1"));
    const auto result = client.finish(server_final);
    EXPECT_FALSE(result) << server_final;
    EXPECT_FALSE(client.finished());
    return result.error().code;
  };
  const std::string signature(43, 'A');
  EXPECT_EQ(finish_with("v=" + signature + "="), ErrorCode::authentication);
  EXPECT_EQ(finish_with("e=invalid-proof"), ErrorCode::authentication);
  for (const std::string& message :
       {std::string(), std::string("v"), std::string("v="), std::string("x=1"), "v=" + signature,
        "v=" + signature + "=,", "v=" + signature + "=,x=1", "v=" + signature + "==", std::string("v=AAAA"),
        "v=" + std::string(3000, 'A')}) {
    EXPECT_EQ(finish_with(message), ErrorCode::invalid_input) << message;
  }
}

TEST(ScramClient, RefusesMessagesOutOfTurn) {
  ScramClient early = client_with("x");
  EXPECT_FALSE(early.respond("r=N1,s=" + std::string(kSalt) + ",i=1"));
  EXPECT_FALSE(early.finish("v=AAAA"));
  EXPECT_FALSE(early.finished());

  ScramClient skipping = client_with("x");
  ASSERT_TRUE(skipping.start(as_bytes(kPlain)));
  EXPECT_FALSE(skipping.finish("v=AAAA"));
  EXPECT_FALSE(skipping.finished());
}

}  // namespace
}  // namespace forebay::wire
