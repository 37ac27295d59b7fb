#include "engine/trace_comment.hpp"

#include <gtest/gtest.h>

namespace forebay::engine {
namespace {

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";

TEST(TraceCommentTest, ATraceStandsAtEitherEnd) {
  EXPECT_EQ(trace_of("SELECT 1 /*traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/"),
            kTrace);
  EXPECT_EQ(
      trace_of("SELECT 1 /*action='x',traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',"
               "tracestate='a'*/ ;\n"),
      kTrace);
  EXPECT_EQ(trace_of(" /* trace_id=abc */ SELECT 1"), "abc");
  EXPECT_EQ(trace_of("SELECT 1 /*db_driver='psycopg2',trace_id='7'*/"), "7");
}

TEST(TraceCommentTest, AnythingElseIsNone) {
  for (const char* text : {"", "SELECT 1", "SELECT 'trace_id=1'", "SELECT 1 /* no trace */", "/*", "*/",
                           "/*/", "SELECT 1 /*traceparent='00-short'*/", "SELECT 1 /*my_trace_id='1'*/",
                           "SELECT /*trace_id='1'*/ 1", "SELECT 1 /*trace_id*/"}) {
    EXPECT_EQ(trace_of(text), "") << text;
  }
}

TEST(TraceCommentTest, CommentsAtTheEndsCanBeLeftOut) {
  EXPECT_EQ(without_outer_comments("/* a */ SELECT 1 /*b*/;"), " SELECT 1 ");
  EXPECT_EQ(without_outer_comments("SELECT 1"), "SELECT 1");
  EXPECT_EQ(without_outer_comments("/*/"), "/*/");
  EXPECT_EQ(without_outer_comments("/* a */"), "");
}

}  // namespace
}  // namespace forebay::engine
