#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "sql/read_shape.hpp"

namespace forebay::sql {

/// Reads the parse tree of one SELECT, as libpg_query writes it in JSON, and collects what a ReadShape says
/// of it, but for the keys. What it does not know is a reason to refuse.
class ReadShapeWalk {
 public:
  /// `select` is the body of a SelectStmt. To be called once. The tree has to outlive this object.
  void read(const boost::json::object& select);

  const std::string& refusal() const { return shape_.refusal; }
  /// How often a table, a view or a name of WITH is called so in FROM anywhere.
  int times_named(std::string_view relation) const;
  /// Whether any WITH gives this name.
  bool is_given_name(std::string_view name) const;
  /// To be called last.
  ReadShape take();

 private:
  using Object = boost::json::object;
  using Value = boost::json::value;

  /// The names that WITH has given at some place.
  struct Scope {
    const Scope* outer;
    std::vector<std::string_view> names;
  };
  struct Pending {
    const Value* value;
    const Scope* scope;
    bool is_select;  ///< the body of a SelectStmt without its name
  };

  void visit(const Value& value);
  void member(std::string_view key, const Value& value);
  void node(std::string_view kind, const Value& value);
  bool leaf(std::string_view kind, const Object& body);
  void note(std::string_view kind, const Object& body);

  void select(const Object& body);
  void with(const Object& clause);
  void relation(const Object& body);
  void column(const Object& body);
  void indirection(const Object& body);
  void function_call(const Object& body);
  void expression(const Object& body);
  void operator_name(const boost::json::array& names);
  void type_name(const Object& type);
  void cast(const Object& body);
  void alias(const Object& body);

  bool is_visible(std::string_view name) const;
  bool may_be_renamed(std::string_view column) const;
  void add(std::vector<std::string>& names, std::string_view name);
  void refuse(std::string_view why);
  void push(const Value& value) { pending_.push_back({&value, scope_, false}); }

  ReadShape shape_;
  std::vector<Pending> pending_;  ///< still to be visited; a stack of our own, since trees can be deep
  std::deque<Scope> scopes_;
  const Scope* scope_ = nullptr;  ///< of what is being visited
  std::map<std::string, int, std::less<>> times_named_;
  std::vector<std::string> renamed_;  ///< what columns may be called without being a relation's
  bool calls_in_from_ = false;
  bool has_values_ = false;
};

}  // namespace forebay::sql
