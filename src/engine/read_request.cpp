#include "engine/read_request.hpp"

#include "engine/message_parts.hpp"
#include "engine/statement_names.hpp"
#include "engine/statement_table.hpp"
#include "sql/scan.hpp"

namespace forebay::engine {

namespace {

using wire::kHeaderSize;

/// Reads messages off the front of a text.
class Messages {
 public:
  explicit Messages(std::string_view input) : rest_(input) {}

  char next_type() const { return rest_.empty() ? '\0' : rest_.front(); }
  std::size_t left() const { return rest_.size(); }

  /// The body of the next message. False when it is not all here or longer than is worth a look.
  bool take(std::string_view& body) {
    if (rest_.size() < kHeaderSize) return false;
    const wire::Header header = wire::read_header(as_bytes(rest_).data());
    if (header.length < 4 || header.length > kMaxJudged || header.total() > rest_.size()) return false;
    body = rest_.substr(kHeaderSize, header.body());
    rest_.remove_prefix(header.total());
    return true;
  }

 private:
  std::string_view rest_;
};

std::uint16_t u16_at(std::string_view bytes, std::size_t at) {
  return load_u16(as_bytes(bytes).data() + at);
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  return load_u32(as_bytes(bytes).data() + at);
}

bool read_query(Messages& messages, ReadRequest& request) {
  std::string_view body;
  if (!messages.take(body) || body.empty() || body.find('\0') != body.size() - 1) return false;
  request.simple = true;
  request.text = body.substr(0, body.size() - 1);
  return true;
}

bool read_parse(Messages& messages, ReadRequest& request) {
  std::string_view body;
  std::string_view name;
  if (!messages.take(body) || !take_cstring(body, name) || !name.empty() ||
      !take_cstring(body, request.text) || body.size() < 2 ||
      body.size() != 2 + std::size_t{4} * u16_at(body, 0)) {
    return false;
  }
  request.types = body.substr(2);
  request.parses = true;
  return true;
}

bool read_bind(Messages& messages, ReadRequest& request, const StatementNames* names) {
  std::string_view body;
  std::string_view name;
  if (!messages.take(body) || !body.starts_with('\0')) return false;
  body.remove_prefix(1);  // the portal's name
  if (!take_cstring(body, name)) return false;
  request.values = body;
  request.is_unnamed = name.empty();
  if (request.parses) return name.empty();
  if (names == nullptr || names->is_undecided(name)) return false;
  const PreparedStatementPtr* statement = names->find(name);
  if (statement == nullptr) return false;
  request.statement = statement->get();
  request.text = (*statement)->text;
  request.types = (*statement)->parameter_types;
  return true;
}

bool read_describe(Messages& messages, ReadRequest& request) {
  std::string_view body;
  request.describes = true;
  return messages.take(body) && body == std::string_view("P\0", 2);
}

bool read_execute(Messages& messages, ReadRequest& request) {
  std::string_view body;
  if (!messages.take(body) || body.size() != 5 || body.front() != '\0') return false;
  request.max_rows = u32_at(body, 1);
  return true;
}

/// [Parse] Bind [Describe] Execute.
bool read_extended(Messages& messages, ReadRequest& request, const StatementNames* names) {
  using namespace wire::frontend;
  if (messages.next_type() == kParse && !read_parse(messages, request)) return false;
  if (messages.next_type() != kBind || !read_bind(messages, request, names)) return false;
  if (messages.next_type() == kDescribe && !read_describe(messages, request)) return false;
  return messages.next_type() == kExecute && read_execute(messages, request);
}

bool read_sync(Messages& messages) {
  std::string_view body;
  return messages.take(body) && body.empty();
}

}  // namespace

bool ReadBatch::read(std::string_view input, const StatementNames* names) {
  using namespace wire::frontend;
  requests.clear();
  Messages messages(input);
  if (messages.next_type() == kQuery) {
    if (!read_query(messages, requests.emplace_back())) return false;
    size = input.size() - messages.left();
    return true;
  }
  bool parses = false;
  do {
    if (requests.size() == kMostRequests) return false;
    ReadRequest& request = requests.emplace_back();
    if (!read_extended(messages, request, names)) return false;
    // The unnamed statement is another one since the Parse, which the names do not know yet.
    if (parses && !request.parses && request.is_unnamed) return false;
    parses |= request.parses;
  } while (messages.next_type() != kSync);
  if (!read_sync(messages)) return false;
  size = input.size() - messages.left();
  return true;
}

sql::Fingerprint fingerprint_of(const ReadRequest& request) {
  const PreparedStatement* statement = request.statement;
  const bool is_known = statement != nullptr && statement->fingerprint != sql::Fingerprint() &&
                        statement->fingerprint != StatementTable::kUnknown;
  return is_known ? statement->fingerprint : sql::scan(request.text).fingerprint;
}

int bound_count(const ReadRequest& request) {
  const std::string_view values = request.values;
  if (values.size() < 2) return 0;
  const std::size_t at = 2 + std::size_t{2} * u16_at(values, 0);
  return values.size() < at + 2 ? 0 : u16_at(values, at);
}

std::optional<BoundValue> bound_value(const ReadRequest& request, int parameter) {
  const std::string_view values = request.values;
  const auto index = static_cast<std::size_t>(parameter) - 1;
  if (parameter < 1 || values.size() < 2) return std::nullopt;
  const std::size_t formats = u16_at(values, 0);
  std::size_t at = 2 + 2 * formats;
  if (values.size() < at + 2 || index >= u16_at(values, at)) return std::nullopt;
  BoundValue value;
  // No format: all text; one: for all (https://www.postgresql.org/docs/15/protocol-message-formats.html).
  if (formats == 1) value.binary = u16_at(values, 2) == 1;
  if (formats > 1 && index < formats) value.binary = u16_at(values, 2 + 2 * index) == 1;
  at += 2;
  for (std::size_t i = 0;; ++i) {
    if (values.size() < at + 4) return std::nullopt;
    const auto length = static_cast<std::int32_t>(u32_at(values, at));
    at += 4;
    const std::size_t size = length < 0 ? 0 : static_cast<std::size_t>(length);
    if (values.size() - at < size) return std::nullopt;
    if (i == index) {
      if (length < 0) return std::nullopt;
      value.bytes = values.substr(at, size);
      if (request.types.size() >= 4 * (index + 1)) value.type = u32_at(request.types, 4 * index);
      return value;
    }
    at += size;
  }
}

}  // namespace forebay::engine
