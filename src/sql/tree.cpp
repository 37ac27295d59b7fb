#include "sql/tree.hpp"

namespace forebay::sql::tree {

std::string_view text(const Object& body, std::string_view field) {
  const Value* value = body.if_contains(field);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

bool flag(const Object& body, std::string_view field) {
  const Value* value = body.if_contains(field);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::int64_t number(const Object& body, std::string_view field) {
  const Value* value = body.if_contains(field);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

const Object& object(const Object& body, std::string_view field) {
  static const Object none;
  const Value* value = body.if_contains(field);
  return value != nullptr && value->is_object() ? value->get_object() : none;
}

const boost::json::array& list(const Object& body, std::string_view field) {
  static const boost::json::array none;
  const Value* value = body.if_contains(field);
  return value != nullptr && value->is_array() ? value->get_array() : none;
}

const Object* node(const Value& value, std::string_view kind) {
  if (!value.is_object()) return nullptr;
  const Value* body = value.get_object().if_contains(kind);
  return body != nullptr ? body->if_object() : nullptr;
}

std::string_view name(const Value& value) {
  const Object* body = node(value, "String");
  return body != nullptr ? text(*body, "sval") : std::string_view();
}

const Object* constant(const Value& expression) {
  const Value* inner = &expression;
  for (const Object* cast = node(*inner, "TypeCast"); cast != nullptr; cast = node(*inner, "TypeCast")) {
    inner = cast->if_contains("arg");
    if (inner == nullptr) return nullptr;
  }
  return node(*inner, "A_Const");
}

std::string_view constant_text(const Value& expression) {
  const Object* found = constant(expression);
  return found != nullptr ? text(object(*found, "sval"), "sval") : std::string_view();
}

}  // namespace forebay::sql::tree
