#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "sql/verdict.hpp"

namespace forebay::sql {

/// Reads the parse trees of a text's statements, as libpg_query writes them in JSON, and collects what they
/// may do. A statement inside another one (WITH, EXPLAIN, PREPARE, COPY, CREATE VIEW …) counts as if it ran.
class TreeWalk {
 public:
  /// `tree` is one statement: an object with one member, named by the kind of the statement.
  void statement(const boost::json::value& tree);

  /// The verdict on all statements so far. To be called once, last.
  Verdict take();

 private:
  using Object = boost::json::object;
  using Value = boost::json::value;

  void visit(const Value& value);
  void member(std::string_view key, const Value& value);
  void node(std::string_view kind, const Object& body);
  void text(std::string_view key, std::string_view value);
  void details(std::string_view kind, const Object& body);

  void function_call(const Object& call);
  void attributes(const boost::json::array& names);
  void sample_method(const Object& sample);
  void set_config(const Object& call);

  void transaction(const Object& body);
  void variable_set(const Object& body);
  void setting(std::string_view name, bool local);
  void discard(const Object& body);
  void block(const Object& body);
  void copy(const Object& body);
  void drop(const Object& body);
  void rename(const Object& body);
  void create_database(const Object& body);

  void add(Effects effects) { verdict_.effects |= effects; }
  void add_name(std::vector<std::string>& names, std::string_view name) { names.emplace_back(name); }

  Verdict verdict_;
  std::vector<const Value*> pending_;    ///< still to be visited; a stack of our own, since trees can be deep
  Effects before_;                       ///< effects of the statements before the present one
  bool names_temporary_schema_ = false;  ///< pg_temp stands somewhere in the present statement
  bool sets_any_setting_ = false;
};

}  // namespace forebay::sql
