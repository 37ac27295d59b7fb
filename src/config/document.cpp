#include "config/document.hpp"

#include <map>
#include <optional>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include "base/utf8.hpp"

namespace forebay::config {
namespace {

/// Thrown through yaml-cpp to stop it at once; the problem is already told.
struct Stop {};

/// Builds nodes from yaml-cpp's events. The events come while the text is read, so a bound that is exceeded
/// stops the parser before it has built anything large; yaml-cpp's own node tree has no bounds, places or
/// duplicates check.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string source, const Environment& environment, std::vector<Problem>& problems)
      : source_(std::move(source)), environment_(environment), problems_(problems) {}

  NodePtr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(make(Node::Kind::null, mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    auto node = make(Node::Kind::scalar, mark);
    node->source = value;
    std::vector<std::string> complaints;
    node->text = expand(value, environment_, complaints);
    node->broken = !complaints.empty();
    for (std::string& complaint : complaints) tell(mark, std::move(complaint));
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) stop(mark, "this alias stands inside the value that it refers to");
    place(found->second, mark);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(make(Node::Kind::list, mark), anchor, mark);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(make(Node::Kind::mapping, mark), anchor, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  /// A list or mapping that is not finished yet.
  struct Open {
    std::shared_ptr<Node> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::set<std::string> keys;
    NodePtr key;  ///< mapping: the key whose value comes next
  };

  Location location(const YAML::Mark& mark) const { return {source_, mark.line + 1, mark.column + 1}; }

  std::shared_ptr<Node> make(Node::Kind kind, const YAML::Mark& mark) const {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->where = location(mark);
    return node;
  }

  void tell(const YAML::Mark& mark, std::string text) {
    problems_.push_back({location(mark), std::move(text)});
    if (problems_.size() >= kMaxProblems) throw Stop{};
  }

  [[noreturn]] void stop(const YAML::Mark& mark, std::string text) {
    problems_.push_back({location(mark), std::move(text)});
    throw Stop{};
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {  // yaml-cpp's marks for plain and for quoted text
      tell(mark, fmt::format("the tag {} has no meaning here; remove it", in_quotes(tag)));
    }
  }

  void open(std::shared_ptr<Node> node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (open_.size() >= kMaxDepth) stop(mark, fmt::format("more than {} levels deep", kMaxDepth));
    open_.push_back({std::move(node), anchor, {}, nullptr});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    add(std::move(done.node), done.anchor);
  }

  void add(std::shared_ptr<Node> node, YAML::anchor_t anchor) {
    const YAML::Mark mark = mark_of(*node);
    NodePtr finished = std::move(node);
    if (anchor != YAML::NullAnchor) anchors_[anchor] = finished;
    place(std::move(finished), mark);
  }

  static YAML::Mark mark_of(const Node& node) {
    YAML::Mark mark;
    mark.line = node.where.line - 1;
    mark.column = node.where.column - 1;
    return mark;
  }

  /// Puts a finished node where it belongs: into the innermost open list or mapping, or at the root.
  void place(NodePtr node, const YAML::Mark& mark) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node->kind == Node::Kind::list) {
      grow(*parent.node, node->size, mark);
      parent.node->items.push_back(std::move(node));
    } else if (!parent.key) {
      parent.key = std::move(node);
    } else {
      place_value(parent, std::move(node), mark);
    }
  }

  void place_value(Open& parent, NodePtr value, const YAML::Mark& mark) {
    const NodePtr key = std::exchange(parent.key, nullptr);
    if (key->kind != Node::Kind::scalar) {
      tell(mark_of(*key), "a key has to be a word");
      return;
    }
    if (!parent.keys.insert(key->text).second) {
      tell(mark_of(*key),
           fmt::format("the key {} is there twice; keep one of the two", in_quotes(key->text)));
      return;
    }
    grow(*parent.node, value->size + 1, mark);
    parent.node->entries.push_back({key->text, key->where, std::move(value)});
  }

  void grow(Node& node, std::size_t by, const YAML::Mark& mark) {
    node.size += by;
    if (node.size > kMaxNodes) {
      stop(mark, fmt::format("more than {} values (an alias counts as all that it stands for)", kMaxNodes));
    }
  }

  const std::string source_;
  const Environment& environment_;
  std::vector<Problem>& problems_;
  NodePtr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
};

/// yaml-cpp takes some control characters as the end of the text and replaces broken UTF-8 silently; both
/// would make it read something else than what was written.
std::optional<Problem> find_bad_character(std::string_view text, const std::string& source) {
  Location where{source, 1, 1};
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) return Problem{where, fmt::format("the byte 0x{:02x} is not UTF-8", byte)};
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
      return Problem{where, fmt::format("the control character 0x{:02x} may not stand in a YAML file", byte)};
    }
    if (byte == '\n') {
      ++where.line;
      where.column = 0;
    }
    ++where.column;
    i += length;
  }
  return std::nullopt;
}

/// yaml-cpp's words for a mistake, with what is usually behind it.
std::string explain(const YAML::Exception& error, std::string_view text) {
  std::string line;
  std::istringstream lines{std::string(text)};
  for (int i = 0; i <= error.mark.line; ++i) std::getline(lines, line);
  const auto first = line.find_first_not_of(' ');
  std::string hint;
  const bool in_flow =
      error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW || error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW;
  if (in_flow && text.find("${") != std::string_view::npos) {
    hint = "; inside { } and [ ] a value with ${…} in it goes between double quotes";
  } else if (first != std::string::npos && line[first] == '\t') {
    hint = "; this line is indented with a tab, and YAML takes spaces only";
  } else if (error.msg == YAML::ErrorMsg::UNKNOWN_TOKEN) {
    hint = "; put the value in double quotes";
  } else if (error.msg == YAML::ErrorMsg::MAP_VALUE) {
    hint =
        "; look for a second \": \" in the line (put the value in double quotes) or for a wrong indentation";
  } else if (error.msg == YAML::ErrorMsg::END_OF_MAP) {
    hint = "; look at the indentation of this line and for a missing \":\"";
  }
  return fmt::format("this is not YAML: {}{}", error.msg, hint);
}

}  // namespace

NodePtr parse_document(std::string_view text, const std::string& source, const Environment& environment,
                       std::vector<Problem>& problems) {
  if (text.size() > kMaxFileBytes) {
    problems.push_back(
        {{source}, fmt::format("larger than {} bytes, which no configuration is", kMaxFileBytes)});
    return nullptr;
  }
  if (auto bad = find_bad_character(text, source)) {
    problems.push_back(std::move(*bad));
    return nullptr;
  }
  TreeBuilder builder(source, environment, problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder) || !builder.root()) {
      auto empty = std::make_shared<Node>();
      empty->where = {source, 1, 1};
      return empty;
    }
    NodePtr root = builder.root();
    TreeBuilder next(source, environment, problems);
    if (parser.HandleNextDocument(next) && next.root()) {
      problems.push_back(
          {next.root()->where, "a second document begins here; a configuration is one document"});
    }
    return root;
  } catch (const Stop&) {
  } catch (const YAML::Exception& error) {
    problems.push_back({{source, error.mark.line + 1, error.mark.column + 1}, explain(error, text)});
  }
  return nullptr;
}

}  // namespace forebay::config
