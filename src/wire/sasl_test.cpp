#include "wire/sasl.hpp"

#include <gtest/gtest.h>

namespace forebay::wire {
namespace {

using namespace std::string_view_literals;

TEST(SaslMechanismList, OffersTheStrongerFirst) {
  EXPECT_EQ(sasl_mechanism_list(false), "SCRAM-SHA-256\0\0"sv);
  EXPECT_EQ(sasl_mechanism_list(true), "SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"sv);
}

TEST(SaslInitialResponse, ComesBackAsItWasWritten) {
  const std::string body = format_sasl_initial_response("SCRAM-SHA-256", "n,,n=,r=abc");
  EXPECT_EQ(body, "SCRAM-SHA-256\0\0\0\0\x0Bn,,n=,r=abc"sv);
  const auto parsed = parse_sasl_initial_response(as_bytes(body));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->mechanism, "SCRAM-SHA-256");
  EXPECT_EQ(parsed->response, "n,,n=,r=abc");
}

TEST(SaslInitialResponse, MayLeaveTheResponseOut) {
  const auto parsed = parse_sasl_initial_response(as_bytes("SCRAM-SHA-256\0\xff\xff\xff\xff"sv));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->response, std::nullopt);
}

TEST(SaslInitialResponse, RefusesBrokenLengths) {
  for (const std::string_view body :
       {""sv, "SCRAM-SHA-256"sv, "SCRAM-SHA-256\0"sv, "SCRAM-SHA-256\0\0\0\0"sv, "X\0\0\0\0\x02n"sv,
        "X\0\0\0\0\x01nn"sv, "X\0\xff\xff\xff\xffn"sv, "X\0\xff\xff\xff\xfen"sv, "X\0\x7f\xff\xff\xffn"sv}) {
    const auto parsed = parse_sasl_initial_response(as_bytes(body));
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().sqlstate, "08P01");
  }
}

}  // namespace
}  // namespace forebay::wire
