#include "observe/log_failure.hpp"

#include <stdexcept>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "observe/log.hpp"

namespace forebay::observe {
namespace {

boost::asio::awaitable<void> end(bool is_in_order) {
  if (!is_in_order) throw std::runtime_error("the disk is full");
  co_return;
}

std::string logged_by(bool is_in_order) {
  start_logging();
  testing::internal::CaptureStderr();
  boost::asio::io_context context;
  boost::asio::co_spawn(context, end(is_in_order), LogFailure{"nothing is kept"});
  context.run();
  return testing::internal::GetCapturedStderr();
}

TEST(LogFailure, AnExceptionThatEndedACoroutineNobodyWaitedForVanished) {
  const std::string line = logged_by(false);
  EXPECT_TRUE(line.ends_with(" error nothing is kept reason=\"the disk is full\"\n")) << line;
}

TEST(LogFailure, WhatEndsInOrderIsNotTold) {
  EXPECT_EQ(logged_by(true), "");
}

}  // namespace
}  // namespace forebay::observe
