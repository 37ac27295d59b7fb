#include "sql/parse.hpp"

#include <array>
#include <cstddef>
#include <exception>
#include <optional>
#include <string_view>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <pg_query.h>
#include <pthread.h>

#include "sql/tree.hpp"

namespace forebay::sql {
namespace {

using Reader = std::function<bool(const boost::json::value&)>;

// libpg_query recurses without a limit. Measured with version 15-4.0.0: at most 130 bytes of stack for each
// byte of text ("-+-+-+ …"), which is half a megabyte for kSmall. In longer texts its limit of 10,000 open
// symbols (YYMAXDEPTH) holds that to 2 MB; what needs no open symbols ("1 + 1 + 1 …") takes 32 bytes for each
// byte of text, again 2 MB.
constexpr std::size_t kSmall = 4 * 1024;
constexpr std::size_t kLargeStack = 16 * 1024 * 1024;

// Boost.JSON recurses too, up to 300 bytes for each level. A level of an expression is two to four of JSON.
constexpr std::size_t kMaxJsonDepth = 2000;

class ParseResult {
 public:
  explicit ParseResult(const std::string& text) : result_(pg_query_parse(text.c_str())) {}
  ParseResult(const ParseResult&) = delete;
  ParseResult& operator=(const ParseResult&) = delete;
  ~ParseResult() { pg_query_free_parse_result(result_); }

  /// The parse trees in JSON; nothing when the text was refused.
  std::optional<std::string_view> trees() const {
    if (result_.error != nullptr || result_.parse_tree == nullptr) return std::nullopt;
    return result_.parse_tree;
  }

 private:
  PgQueryParseResult result_;
};

bool parse_here(const std::string& text, const Reader& read) {
  const ParseResult parsed(text);
  const auto trees = parsed.trees();
  if (!trees) return false;

  std::array<unsigned char, 16 * 1024> buffer;
  boost::json::monotonic_resource memory(buffer.data(), buffer.size());
  boost::json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  options.allow_invalid_utf8 = true;
  boost::json::error_code error;
  const boost::json::value document = boost::json::parse(*trees, error, &memory, options);
  if (error || !document.is_object()) return false;

  for (const auto& statement : tree::list(document.get_object(), "stmts")) {
    const auto* raw = statement.if_object();
    const auto* tree = raw != nullptr ? raw->if_contains("stmt") : nullptr;
    if (tree == nullptr || !read(*tree)) return false;
  }
  return true;
}

/// Not on the caller's stack, of which nobody knows how much is left.
bool parse_on_large_stack(const std::string& text, const Reader& read) {
  struct Task {
    const std::string& text;
    const Reader& read;
    bool done;
    std::exception_ptr failure;
  } task{text, read, false, nullptr};
  auto run = [](void* argument) -> void* {
    auto& mine = *static_cast<Task*>(argument);
    try {
      mine.done = parse_here(mine.text, mine.read);
    } catch (...) {
      mine.failure = std::current_exception();
    }
    return nullptr;
  };

  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  pthread_t thread;
  const bool started = pthread_attr_setstacksize(&attributes, kLargeStack) == 0 &&
                       pthread_create(&thread, &attributes, run, &task) == 0;
  pthread_attr_destroy(&attributes);
  if (!started) return false;
  pthread_join(thread, nullptr);
  if (task.failure) std::rethrow_exception(task.failure);
  return task.done;
}

}  // namespace

bool parse_statements(const std::string& text, const Reader& read) {
  return text.size() <= kSmall ? parse_here(text, read) : parse_on_large_stack(text, read);
}

}  // namespace forebay::sql
