#include "wire/scram.hpp"

#include <gtest/gtest.h>

namespace forebay::wire {
namespace {

struct Vector {
  std::string_view password;
  std::string_view verifier;
};

// Made by PostgreSQL 15: ALTER ROLE … PASSWORD '…', then pg_authid.rolpassword.
constexpr Vector kPostgresMade[] = {
    {"correct horse",
     "SCRAM-SHA-256$4096:zjtQGmYcIUlc36Cmdwg8DA==$VDVWyD1AqTehu7ZgoA6AtmEI0qzsoMra8nTZoGzVUto=:"
     "JdWdLLXhnPb6WCP35Y5pVkuSd1/hrXPb85jY53ZMAVM="},
    {"\x07",
     "SCRAM-SHA-256$4096:HWCt5K7XchZo9wG6Zt6Q8w==$8k6t77fwxY2xnu9qNwPOtbJSslpBqIRHT8MQ342pBcg=:"
     "A5T0tPrY+QAv2Y5RYDxQV1elB/ia+E+SZbVL/KvW06c="},
    {"I\u00ADX",
     "SCRAM-SHA-256$4096:HPsusE67lgtczwioDCAYHw==$Cgr2KEEu0Yn4B1hkAml5DfWua7n/OrCGjpM0P5u5RIA=:"
     "qMFGR9VCqfu1F/RdCz8mtUiVAEGOOdDYhrX/Bi5Q66I="},
    {"cafe\u0301",
     "SCRAM-SHA-256$4096:7nr48jHXZ3cZyO89L3rEtg==$5t+reVmTdqO/DfrnWblxx2NvHQsLHBpY0dyHmfZkOUc=:"
     "6gQA1ewRe/YgFmwdsRUlLGT+s4Z2OQeZn8Y1tQtUtt4="},
    {"\u05D0\u05D1",
     "SCRAM-SHA-256$4096:4UE1HS2v4WEXrGFEP/lnVQ==$Y8MJrnxCvwfjJnIQyPtbtyznBQ0Swj0/nlFDYJ2NGDo=:"
     "8593VsLuc9KAHuYtPYIaoQvfflYE4tniAuSeB6cXXy4="},
    {"\u05D0a",
     "SCRAM-SHA-256$4096:JFRRpXAfo1M1DqBktdd5cA==$myrPgVDhOp/QSq8IdICYNjqB7L1FlU6WQU9kjBS4xhs=:"
     "0jb9Ocz1j+Z3hYHqsFEYrNpkR3sKURNIgzUbzRbskIU="},
    {"\u200Bx",
     "SCRAM-SHA-256$4096:2ZcRqN4hnfgAT/2mDqYS6g==$rW8SLF7szXl9/upsUDdtnZ4AZXRV40jLbRNjsv3QMbg=:"
     "EjxoawkSdEWQYDh0QmeuW3CVIrnIqJqLuqu8FopYcCo="},
};

TEST(ScramVerifier, MatchesWhatPostgresMade) {
  for (const auto& [password, text] : kPostgresMade) {
    const auto verifier = ScramVerifier::parse(text);
    ASSERT_TRUE(verifier) << text;
    EXPECT_EQ(verifier->iterations, 4096U);
    EXPECT_EQ(verifier->format(), text);
    EXPECT_TRUE(verifier->matches(password));
    EXPECT_FALSE(verifier->matches("wrong"));
    EXPECT_FALSE(verifier->matches(""));
    EXPECT_EQ(ScramVerifier::from_password(password, verifier->salt, 4096).format(), text);
  }
}

TEST(ScramVerifier, TakesAFreshSaltEachTime) {
  const ScramVerifier a = ScramVerifier::from_password("same", 1);
  const ScramVerifier b = ScramVerifier::from_password("same", 1);
  EXPECT_EQ(a.salt.size(), kScramSaltSize);
  EXPECT_NE(a.salt, b.salt);
  EXPECT_NE(a.stored_key, b.stored_key);
  EXPECT_TRUE(a.matches("same"));
}

TEST(ScramVerifier, DoesNotComputeBeyondItsLimit) {
  ScramVerifier verifier = ScramVerifier::from_password("x", 1);
  verifier.iterations = kMaxScramIterations + 1;
  EXPECT_FALSE(verifier.matches("x"));
}

TEST(ScramVerifier, RefusesEveryDamage) {
  const std::string good(kPostgresMade[0].verifier);
  ASSERT_TRUE(ScramVerifier::parse(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ScramVerifier::parse(good.substr(0, size))) << size;
  }
  const auto changed = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string& text : {good + "=",
                                  good + " ",
                                  good + ":x",
                                  " " + good,
                                  changed("SCRAM-SHA-256", "scram-sha-256"),
                                  changed("256$", "1$"),
                                  changed("4096", ""),
                                  changed("4096", "0"),
                                  changed("4096", "-1"),
                                  changed("4096", "4096x"),
                                  changed("4096", "99999999999"),
                                  changed("4096:", "4096$"),
                                  changed("zjtQGmYcIUlc36Cmdwg8DA==", ""),
                                  changed("zjtQ", "zj"),
                                  changed("zjtQ", "!jtQ"),
                                  changed("==$", "==:"),
                                  changed("VDVW", ""),
                                  changed("VDVW", "VDVWVDVW"),
                                  changed("VDVW", "VD W"),
                                  changed("JdWd", "JdWdJdWd"),
                                  changed("Uto=:", "Uto=$"),
                                  changed("MAVM=", "MAVN=")}) {
    const auto parsed = ScramVerifier::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_input);
    EXPECT_EQ(parsed.error().text.find("VDVW"), std::string::npos) << "the error gives the secret away";
  }
  std::string with_zero = good;
  with_zero += '\0';
  EXPECT_FALSE(ScramVerifier::parse(with_zero));
}

TEST(ScramVerifier, RefusesAnOversizedSalt) {
  const std::string text = "SCRAM-SHA-256$1:" + std::string(344, 'A') + "$" + std::string(43, 'A') +
                           "=:" + std::string(43, 'A') + "=";
  EXPECT_FALSE(ScramVerifier::parse(text));
}

}  // namespace
}  // namespace forebay::wire
