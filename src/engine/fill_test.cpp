#include "engine/fill.hpp"

#include <string>

#include <gtest/gtest.h>

#include "wire/writer.hpp"

namespace forebay::engine {
namespace {

constexpr std::size_t kLimit = 1000;
constexpr Fill::Shape kExtended{.parses = 0, .binds = 1, .descriptions = 0, .commands = 1};

/// BindComplete, rows, CommandComplete.
std::string answer(const std::vector<std::string>& rows) {
  wire::Writer writer;
  writer.begin('2').end();
  for (const std::string& row : rows)
    writer.begin('D').u16(1).u32(static_cast<std::uint32_t>(row.size())).text(row).end();
  writer.begin('C').cstring("SELECT").end();
  return std::string(as_text(writer.bytes()));
}

std::string ready(char status = 'I') {
  wire::Writer writer;
  return std::string(as_text(writer.begin('Z').u8(static_cast<std::uint8_t>(status)).end().bytes()));
}

cache::EntryPtr entry(const std::string& bytes) {
  return std::make_shared<const cache::Entry>(cache::Key{"k", 1}, as_bytes(bytes), cache::Entry::Facts{});
}

Fill::Part part(cache::EntryPtr known = nullptr) {
  Fill::Part made;
  made.key_bytes = "k";
  made.shape = kExtended;
  made.known = std::move(known);
  return made;
}

Fill fill_of(std::vector<cache::EntryPtr> known) {
  std::vector<Fill::Part> parts;
  for (auto& one : known) parts.push_back(part(std::move(one)));
  return {std::move(parts), kLimit};
}

/// However it is cut.
template <typename Check>
void in_pieces(const std::string& bytes, const std::vector<cache::EntryPtr>& known, const Check& check) {
  for (std::size_t size : {bytes.size(), std::size_t{1}, std::size_t{7}}) {
    Fill fill = fill_of(known);
    Fill::State state = Fill::State::open;
    std::vector<cache::EntryPtr> news;
    for (std::size_t at = 0; at < bytes.size() && state == Fill::State::open; at += size) {
      state = fill.add(as_bytes(std::string_view(bytes).substr(at, size)));
      for (auto& one : fill.take_news(state)) news.push_back(std::move(one));
    }
    check(fill, state, news);
  }
}

TEST(Fill, PartsABatchIntoTheAnswersOfItsRequests) {
  const std::string one = answer({"a", "b"});
  const std::string two = answer({});
  in_pieces(one + two + ready(), {nullptr, nullptr}, [&](Fill& fill, Fill::State state, const auto& news) {
    ASSERT_EQ(state, Fill::State::complete);
    EXPECT_TRUE(news.empty());
    const auto first = fill.finish(fill.parts()[0], {});
    const auto second = fill.finish(fill.parts()[1], {});
    EXPECT_EQ(as_text(first->answer()), one);
    EXPECT_EQ(as_text(second->answer()), two);
    EXPECT_EQ(first->rows(), 2U);
    EXPECT_EQ(second->rows(), 0U);
  });
}

TEST(Fill, WhatIsKnownIsNoNews) {
  const std::string one = answer({"a", "b"});
  in_pieces(one + one + ready(), {entry(one), entry(one)}, [](Fill&, Fill::State state, const auto& news) {
    EXPECT_EQ(state, Fill::State::complete);
    EXPECT_TRUE(news.empty());
  });
}

TEST(Fill, OnlyWhatDiffersIsNews) {
  const std::string known = answer({"a", "b"});
  for (const std::string& other : {answer({"a", "c"}), answer({"a"}), answer({"a", "b", "c"}), answer({})}) {
    const auto differs = entry(known);
    in_pieces(known + other + known + ready(), {entry(known), differs, entry(known)},
              [&](Fill&, Fill::State state, const auto& news) {
                EXPECT_EQ(state, Fill::State::complete);
                EXPECT_EQ(news, std::vector{differs});
              });
  }
}

TEST(Fill, WhatDiffersIsToldBeforeTheRestHasCome) {
  const auto known = entry(answer({"aaaa", "b"}));
  Fill fill = fill_of({known});
  const std::string other = answer({"axaa", "b"});
  const Fill::State state = fill.add(as_bytes(std::string_view(other).substr(0, 20)));
  EXPECT_EQ(state, Fill::State::open);
  EXPECT_EQ(fill.take_news(state), std::vector{known});
  EXPECT_TRUE(fill.take_news(state).empty());
}

TEST(Fill, OtherShapesAreUseless) {
  const std::string good = answer({"a"});
  wire::Writer error;
  error.begin('E').cstring("x").end();
  wire::Writer description;
  description.begin('T').u16(0).end();
  const std::string description_and_answer = std::string(as_text(description.bytes())) + good;
  for (const std::string& bytes : {
           good + ready(),                                        // one is missing
           good + good + good + ready(),                          // one too many
           good + good + ready('T'),                              // inside a transaction
           good + std::string(as_text(error.bytes())) + ready(),  // failed
           good + description_and_answer + ready(),               // more than was asked for
           answer({std::string(kLimit, 'x')}) + good + ready(),   // too long
       }) {
    const auto known = entry(good);
    in_pieces(bytes, {known, nullptr}, [&](Fill&, Fill::State state, const auto& news) {
      EXPECT_EQ(state, Fill::State::useless);
      EXPECT_EQ(news, std::vector{known}) << "nobody knows what the client has seen";
    });
  }
}

}  // namespace
}  // namespace forebay::engine
