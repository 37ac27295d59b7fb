#include "engine/replay.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "wire/writer.hpp"

namespace forebay::engine {
namespace {

/// Two answers: a row with a Z in it, and a ReadyForQuery behind each.
std::string two_answers() {
  wire::Writer writer;
  for (int i = 0; i < 2; ++i) {
    writer.begin('D').u16(1).u32(6).text(std::string("Z\0\0\0\5I", 6)).end();
    writer.begin('C').cstring("SELECT 1").end();
    writer.begin('Z').u8('I').end();
  }
  return std::string(as_text(writer.bytes()));
}

TEST(AnswerEnds, AreFoundInPiecesOfAnySize) {
  const std::string all = two_answers();
  for (std::size_t size = 1; size <= all.size(); ++size) {
    AnswerEnds ends;
    int found = 0;
    for (std::string_view rest = all; !rest.empty(); rest.remove_prefix(std::min(size, rest.size())))
      found += ends.count(as_bytes(rest.substr(0, size)));
    EXPECT_EQ(found, 2) << size;
  }
}

TEST(AnswerEnds, AreNotThereBeforeTheLastByte) {
  const std::string all = two_answers();
  AnswerEnds ends;
  EXPECT_EQ(ends.count(as_bytes(std::string_view(all).substr(0, all.size() - 1))), 1);
  EXPECT_EQ(ends.count(as_bytes(std::string_view(all).substr(all.size() - 1))), 1);
}

}  // namespace
}  // namespace forebay::engine
