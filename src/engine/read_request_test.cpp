#include "engine/read_request.hpp"

#include <string>

#include <gtest/gtest.h>

#include "engine/statement_names.hpp"
#include "wire/writer.hpp"

namespace forebay::engine {
namespace {

class ReadBatchTest : public testing::Test {
 public:
  ReadBatchTest() {
    names_.settle("s", private_statement("SELECT named", {}, {}));
    names_.settle("", private_statement("SELECT unnamed", {}, {}));
  }

  ReadBatchTest& parse(std::string_view text) {
    writer_.parse("", text, {});
    return *this;
  }
  ReadBatchTest& run(std::string_view statement) {
    writer_.begin('B').cstring("").cstring(statement).u16(0).u16(0).u16(0).end();
    writer_.begin('E').cstring("").u32(0).end();
    return *this;
  }
  /// The texts of the batch that ends here; none when it is not to be read.
  std::vector<std::string> texts() {
    writer_.sync();
    const std::size_t whole = writer_.bytes().size();
    writer_.sync();
    std::vector<std::string> found;
    if (batch_.read(as_text(writer_.bytes()), &names_)) {
      EXPECT_EQ(batch_.size, whole);
      for (const ReadRequest& request : batch_.requests) found.emplace_back(request.text);
    }
    writer_.clear();
    return found;
  }

 protected:
  using Texts = std::vector<std::string>;
  StatementNames names_;
  ReadBatch batch_;
  wire::Writer writer_;
};

TEST_F(ReadBatchTest, ReadsOneOrMoreRequests) {
  EXPECT_EQ(run("s").texts(), Texts{"SELECT named"});
  EXPECT_EQ(parse("A").run("").texts(), Texts{"A"});
  EXPECT_EQ(run("s").run("s").parse("A").run("").parse("B").run("").run("s").texts(),
            (Texts{"SELECT named", "SELECT named", "A", "B", "SELECT named"}));
}

TEST_F(ReadBatchTest, TheUnnamedStatementIsTheOneFromBeforeUntilItIsParsed) {
  EXPECT_EQ(run("").run("").texts(), (Texts{"SELECT unnamed", "SELECT unnamed"}));
  EXPECT_EQ(parse("A").run("").run("s").run("").texts(), Texts{});
}

TEST_F(ReadBatchTest, EveryStatementMustBeKnown) {
  EXPECT_EQ(run("s").run("other").texts(), Texts{});
}

TEST_F(ReadBatchTest, IsBounded) {
  for (std::size_t at = 0; at < ReadBatch::kMostRequests; ++at) run("s");
  EXPECT_EQ(texts().size(), ReadBatch::kMostRequests);
  for (std::size_t at = 0; at < ReadBatch::kMostRequests + 1; ++at) run("s");
  EXPECT_EQ(texts(), Texts{});
}

}  // namespace
}  // namespace forebay::engine
