#include "http/routes.hpp"

#include <set>

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

TEST(Routes, NoPathComesTwiceAndOnlyAdministratorsChangeSomething) {
  std::set<std::string_view> paths;
  for (const Route& route : routes()) {
    EXPECT_TRUE(paths.insert(route.path).second) << route.path;
    EXPECT_TRUE(route.method == "GET" || route.method == "POST") << route.path;
    EXPECT_EQ(route.method == "POST", route.role == Role::admin) << route.path;
  }
}

TEST(Routes, WhatIsNotThereIsToldFromWhatIsAskedWrongly) {
  Request request;
  std::string allowed;
  request.path = "/health/live";
  request.method = "HEAD";
  ASSERT_NE(find_route(request, allowed), nullptr);
  request.method = "DELETE";
  EXPECT_EQ(find_route(request, allowed), nullptr);
  EXPECT_EQ(allowed, "GET, HEAD");
  allowed.clear();
  request.path = "/health/live/";
  EXPECT_EQ(find_route(request, allowed), nullptr);
  EXPECT_EQ(allowed, "");
}

TEST(Routes, WhatIsBuiltInAsItIsIsNoId) {
  Request request;
  std::string allowed;
  request.path = "/api/v1/statements/explain";
  request.method = "POST";
  ASSERT_NE(find_route(request, allowed), nullptr);
  EXPECT_EQ(find_route(request, allowed)->path, request.path);
  allowed.clear();
  request.method = "GET";
  EXPECT_EQ(find_route(request, allowed), nullptr);
  EXPECT_EQ(allowed, "POST");
}

TEST(Routes, AnIdStandsForOnePieceOfThePath) {
  EXPECT_EQ(id_in("/api/v1/statements/ab", "/api/v1/statements/{id}"), "ab");
  EXPECT_EQ(id_in("/api/v1/statements/ab/explain", "/api/v1/statements/{id}/explain"), "ab");
  for (const auto path : {"/api/v1/statements/", "/api/v1/statements", "/api/v1/statements/a/b", "/"})
    EXPECT_FALSE(id_in(path, "/api/v1/statements/{id}")) << path;
  EXPECT_FALSE(id_in("/api/v1/statements/explain", "/api/v1/statements/{id}/explain"));
  EXPECT_FALSE(id_in("/health", "/health"));
}

}  // namespace
}  // namespace forebay::http
