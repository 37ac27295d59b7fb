#include "http/access.hpp"

#include <gtest/gtest.h>

namespace forebay::http {
namespace {

config::Settings settings() {
  config::Settings settings;
  settings.http.viewers.words = {"viewer-token-0123"};
  settings.http.admins.words = {"admin-token-0123", "admin-token-4567"};
  settings.upstream.user = "forebay";
  settings.upstream.password = "upstream's";
  return settings;
}

Request local(std::string authorization = {}) {
  Request request;
  request.host = "localhost";
  request.authorization = std::move(authorization);
  request.is_local = true;
  return request;
}

Request distant(std::string authorization = {}) {
  Request request = local(std::move(authorization));
  request.is_local = false;
  return request;
}

Person identified(const Request& request, const config::Settings& by = settings()) {
  return identify(request, by, nullptr);
}

TEST(Access, ASecretWordOpensWhatItIsFor) {
  EXPECT_EQ(identified(distant("Bearer viewer-token-0123")).role, Role::viewer);
  EXPECT_EQ(identified(distant("bearer admin-token-4567")).role, Role::admin);
  EXPECT_TRUE(identified(distant("Bearer admin-token-456")).is_impostor);
  EXPECT_TRUE(identified(distant("Bearer")).is_impostor);
  EXPECT_TRUE(identified(distant("admin-token-4567")).is_impostor);
  EXPECT_TRUE(identified(distant("Bearer "), config::Settings()).is_impostor);
}

TEST(Access, NobodyDistantIsLetInWithoutASecret) {
  config::Settings open = settings();
  open.http.anonymous = config::Anonymous::admin;
  EXPECT_EQ(identified(distant(), open).role, Role::none);
  EXPECT_EQ(identified(local(), open).role, Role::admin);
  EXPECT_EQ(identified(local()).role, Role::viewer);
  open.http.anonymous = config::Anonymous::none;
  EXPECT_EQ(identified(local(), open).role, Role::none);
}

TEST(Access, APasswordIsTakenWhereNobodyListensIn) {
  const std::string right = "Basic Zm9yZWJheTp1cHN0cmVhbSdz";  // forebay:upstream's
  EXPECT_EQ(identified(local(right)).role, Role::admin);
  EXPECT_TRUE(identified(distant(right)).is_impostor);
  Request by_tls = distant(right);
  by_tls.is_private = true;
  EXPECT_EQ(identified(by_tls).name, "forebay");
  config::Settings others = settings();
  others.admin_users = {"boss"};
  EXPECT_TRUE(identified(local(right), others).is_impostor);
  EXPECT_TRUE(identified(local("Basic Zm9yZWJheTo=")).is_impostor);  // forebay:
  EXPECT_TRUE(identified(local("Basic Og==")).is_impostor);          // :
  EXPECT_TRUE(identified(local("Basic ")).is_impostor);
  config::Settings nobody;
  nobody.http.anonymous = config::Anonymous::none;
  EXPECT_TRUE(identified(local("Basic Og=="), nobody).is_impostor);
}

TEST(Access, ANameThatMayBeSomebodyElsesIsRefused) {
  const Person anonymous{.role = Role::viewer};
  Request request = local();
  for (const char* host :
       {"localhost", "LocalHost:9187", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:9187"}) {
    request.host = host;
    EXPECT_EQ(foreign(request, anonymous, false, false), "") << host;
  }
  for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil", "[", "[]", "]",
                           ":", "[::1", "1", "::1"}) {
    request.host = host;
    const bool is_address = std::string_view(host) == "[::1";  // harmless: no name
    EXPECT_EQ(foreign(request, anonymous, false, false).empty(), is_address) << host;
  }
  request.host = "proxy.example";
  EXPECT_EQ(foreign(request, {.role = Role::viewer, .name = "http.viewer_tokens"}, false, false), "");
}

TEST(Access, WhatChangesSomethingIsJsonFromTheSamePage) {
  const Person person{.role = Role::admin, .name = "boss"};
  Request request = distant();
  request.host = "forebay.example:9187";
  EXPECT_NE(foreign(request, person, true, false), "");
  request.content_type = "application/json ; charset=utf-8";
  EXPECT_EQ(foreign(request, person, true, false), "");
  request.origin = "http://Forebay.example:9187";
  EXPECT_EQ(foreign(request, person, true, false), "");
  request.is_private = true;
  EXPECT_NE(foreign(request, person, true, false), "");
  request.origin = "https://forebay.example:9187";
  EXPECT_EQ(foreign(request, person, true, false), "");
  request.fetch_site = "cross-site";
  EXPECT_NE(foreign(request, person, true, false), "");
}

TEST(Access, WhatABrowserSaysOfThePageCountsBehindAProxyThatEndsTls) {
  Request request = distant();
  request.host = "forebay.example";
  request.content_type = "application/json";
  request.origin = "https://forebay.example";
  const Person person{.role = Role::admin, .name = "boss"};
  EXPECT_NE(foreign(request, person, true, false), "") << "by a browser that says nothing of the page";
  request.fetch_site = "same-origin";
  EXPECT_EQ(foreign(request, person, true, false), "");
  request.fetch_site = "same-site";
  EXPECT_NE(foreign(request, person, true, false), "");
}

TEST(Access, PagesOfOtherOriginsLookAtNothing) {
  Request request;
  request.host = "127.0.0.1:1";
  request.is_local = true;
  const Person nobody{.role = Role::viewer};
  EXPECT_EQ(foreign(request, nobody, false, false), "");
  request.fetch_site = "cross-site";
  EXPECT_NE(foreign(request, nobody, false, false), "");
  EXPECT_EQ(foreign(request, nobody, false, true), "") << "health is for all";
  EXPECT_EQ(foreign(request, {.role = Role::viewer, .name = "http.viewer_tokens"}, false, false), "");
}

}  // namespace
}  // namespace forebay::http
