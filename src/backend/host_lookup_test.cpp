#include "backend/host_lookup.hpp"

#include <future>

#include <gtest/gtest.h>

namespace forebay::backend {
namespace {

config::Upstream server_at(std::string host) {
  config::Upstream server;
  server.host = std::move(host);
  return server;
}

TEST(HostLookup, WhatIsNoNameIsKnownAtOnce) {
  for (const char* host : {"127.0.0.1", "::1", "/run/postgresql"}) {
    const HostLookup lookup(server_at(host), [] { ADD_FAILURE() << "there is nothing to look up"; });
    ASSERT_NE(lookup.outcome().target, nullptr) << host;
    EXPECT_EQ(lookup.outcome().problem, "");
    EXPECT_EQ(lookup.outcome().target->upstream().host, host);
  }
}

TEST(HostLookup, ANameIsLookedUpByAnotherThreadWhichTellsSo) {
  std::promise<void> woken;
  const HostLookup lookup(server_at("localhost"), [&woken] { woken.set_value(); });
  ASSERT_EQ(woken.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  const auto outcome = lookup.outcome();
  ASSERT_NE(outcome.target, nullptr);
  EXPECT_TRUE(outcome.target->has_address("127.0.0.1"));
  EXPECT_FALSE(outcome.target->has_address("127.0.0.2"));
}

}  // namespace
}  // namespace forebay::backend
