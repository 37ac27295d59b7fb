#include "engine/sample_values.hpp"

#include <gtest/gtest.h>

#include "engine/statement_table.hpp"
#include "wire/writer.hpp"

namespace forebay::engine {
namespace {

using config::Samples;

SampleValuesPtr of_text(std::string_view text, Samples samples = Samples::on) {
  return sample_values({.simple = true, .text = text, .types = {}, .values = {}}, samples);
}

std::vector<std::string> texts(const SampleValuesPtr& sample) {
  std::vector<std::string> told;
  if (sample == nullptr) return told;
  for (const SampleValue& value : sample->values) told.push_back(value.is_null ? "NULL" : value.text);
  return told;
}

using Texts = std::vector<std::string>;

TEST(SampleValues, AreTheLiteralsOfAText) {
  EXPECT_EQ(texts(of_text("SELECT * FROM t WHERE a = 'it''s' AND b = -5 LIMIT 10 -- 'no'")),
            (Texts{"it's", "5", "10"}));
  EXPECT_EQ(of_text("SELECT now()"), nullptr);
}

TEST(SampleValues, AreNotKeptUnlessWanted) {
  EXPECT_EQ(of_text("SELECT 'secret'", Samples::off), nullptr);
}

TEST(SampleValues, AreOfRowsOnly) {
  EXPECT_EQ(of_text("ALTER ROLE app PASSWORD 'secret'"), nullptr);
  EXPECT_EQ(of_text("SET app.token = 'secret'"), nullptr);
  EXPECT_EQ(texts(of_text("((WITH a AS (SELECT 1) SELECT * FROM a))")), Texts{"1"});
}

TEST(SampleValues, MaskedTellTheirSizesAlone) {
  const auto sample = of_text("SELECT 'secret', 12", Samples::masked);
  EXPECT_EQ(texts(sample), (Texts{"6 bytes", "2 bytes"}));
  EXPECT_TRUE(sample->values[0].is_masked);
}

/// What stands behind the names of a Bind: formats, values, and that results are text.
class SampleOfABind : public testing::Test {
 protected:
  SampleOfABind() {
    writer_.begin('B').u16(4).u16(0).u16(1).u16(1).u16(0).u16(4);
    writer_.u32(5).text("text\xc3").u32(4).u32(42).u32(3).text("\x01\x02\xff").u32(0xFFFFFFFF).u16(0).end();
  }
  SampleValuesPtr sample(Samples samples) {
    const std::string_view message = as_text(writer_.bytes());
    return sample_values({.text = "SELECT $1, $2, $3, $4, 'literal'",
                          .types = std::string_view("\0\0\0\x19\0\0\0\x17\0\0\0\x11\0\0\0\x19", 16),
                          .values = message.substr(5)},
                         samples);
  }

  wire::Writer writer_;
};

TEST_F(SampleOfABind, AreItsValuesAndThenTheLiterals) {
  EXPECT_EQ(texts(sample(Samples::on)), (Texts{"\\x74657874c3", "42", "\\x0102ff", "NULL", "literal"}));
}

TEST_F(SampleOfABind, MaskedShowNothingOfThem) {
  const auto masked = sample(Samples::masked);
  EXPECT_EQ(texts(masked), (Texts{"5 bytes", "4 bytes", "3 bytes", "NULL", "7 bytes"}));
}

TEST(SampleValues, AreBounded) {
  std::string text = "SELECT '" + std::string(1000, 'x') + "'";
  for (int i = 0; i < 100; ++i) text += ", 1";
  const auto sample = of_text(text);
  EXPECT_EQ(sample->values.size(), SampleValues::kMost);
  EXPECT_EQ(sample->left_out, 101 - SampleValues::kMost);
  EXPECT_EQ(sample->values[0].text, std::string(SampleValues::kLongest, 'x'));
  EXPECT_TRUE(sample->values[0].is_cut);
  EXPECT_LE(sample->bytes(), 5000);
}

TEST(SampleValues, OfTheSlowestCallStayUntilTheChoiceIsAnother) {
  StatementTable table;
  table.configure(true, 100, Samples::on);
  const TimePoint now{std::chrono::seconds(100)};
  const auto statement =
      table.find({sql::fingerprint("SELECT 1"), table.number_of("shop")}, "SELECT 1", 1, now);
  const auto kept = [&] {
    return texts(
        table.details({{sql::fingerprint("SELECT 1"), table.name_of_database(0)}}).rows[0].sample.values);
  };
  table.note_sample(statement, 50, of_text("SELECT 1"), now);
  table.note_sample(statement, 900, of_text("SELECT 2"), now);
  table.note_sample(statement, 60, of_text("SELECT 3"), now);
  EXPECT_EQ(kept(), Texts{"2"});
  table.configure(true, 100, Samples::on);
  EXPECT_EQ(kept(), Texts{"2"}) << "a reload that changes nothing";
  table.configure(true, 100, Samples::masked);
  EXPECT_EQ(kept(), Texts{});
  table.note_sample(statement, 900, of_text("SELECT 4"), now);
  EXPECT_EQ(kept(), Texts{}) << "of a call that was on its way";
  table.configure(true, 100, Samples::off);
  table.note_sample(statement, 900, of_text("SELECT 4"), now);
  EXPECT_EQ(kept(), Texts{}) << "of a call that was on its way";
}

}  // namespace
}  // namespace forebay::engine
