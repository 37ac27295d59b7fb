#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "config/options.hpp"

/// How a row of the option table is made: the type of the field that it names decides its kind, how it is
/// read and how it is shown. Used by option_table.cpp only.
namespace forebay::config {

/// What a reader needs beside the text.
struct Reading {
  const Place& place;
  Range range;
  std::vector<std::string>& complaints;
};

/// How a field of type T is read and shown. `parse` appends to lists.
template <class T>
struct ValueOf;

/// For types with a reader that returns a Result.
template <class T, Kind kind, auto parser>
struct Parsed {
  static constexpr Kind kKind = kind;
  static void parse(std::string_view text, T& value, const Reading& reading) {
    auto result = [&] {
      if constexpr (std::is_invocable_v<decltype(parser), std::string_view, Range>) {
        return parser(text, reading.range);
      } else {
        return parser(text);
      }
    }();
    if (result) {
      value = static_cast<T>(*result);
    } else {
      reading.complaints.push_back(result.error().text);
    }
  }
};

template <>
struct ValueOf<std::uint32_t> : Parsed<std::uint32_t, Kind::count, parse_count> {
  static std::string show(std::uint32_t value) { return std::to_string(value); }
};

template <>
struct ValueOf<std::uint16_t> : Parsed<std::uint16_t, Kind::count, parse_count> {
  static std::string show(std::uint16_t value) { return std::to_string(value); }
};

template <>
struct ValueOf<Duration> : Parsed<Duration, Kind::duration, parse_duration> {
  static std::string show(Duration value) { return to_text(value); }
};

template <>
struct ValueOf<FileMode> : Parsed<FileMode, Kind::text, parse_file_mode> {
  static std::string show(FileMode value) { return to_text(value); }
};

template <>
struct ValueOf<ByteSize> : Parsed<ByteSize, Kind::size, parse_byte_size> {
  static std::string show(ByteSize value) { return to_text(value); }
};

template <>
struct ValueOf<bool> : Parsed<bool, Kind::boolean, parse_boolean> {
  static std::string show(bool value) { return value ? "true" : "false"; }
};

template <Enumerated T>
struct ValueOf<T> : Parsed<T, Kind::choice, parse_choice<T>> {
  static std::string show(T value) { return to_text(value); }
};

template <>
struct ValueOf<std::string> {
  static constexpr Kind kKind = Kind::text;
  static void parse(std::string_view text, std::string& value, const Reading&) { value = text; }
  static std::string show(const std::string& value) { return value; }
};

template <>
struct ValueOf<std::vector<std::string>> {
  static constexpr Kind kKind = Kind::names;
  static void parse(std::string_view text, std::vector<std::string>& value, const Reading& reading);
  static std::string show(const std::vector<std::string>& value);
};

template <>
struct ValueOf<std::vector<ListenAddress>> {
  static constexpr Kind kKind = Kind::addresses;
  static void parse(std::string_view text, std::vector<ListenAddress>& value, const Reading& reading);
  static std::string show(const std::vector<ListenAddress>& value);
};

template <>
struct ValueOf<std::vector<HttpAddress>> {
  static constexpr Kind kKind = Kind::addresses;
  static void parse(std::string_view text, std::vector<HttpAddress>& value, const Reading& reading);
  static std::string show(const std::vector<HttpAddress>& value);
};

template <>
struct ValueOf<Tokens> {
  static constexpr Kind kKind = Kind::names;
  static void parse(std::string_view text, Tokens& value, const Reading& reading);
  /// Shown to people as it is: without the words.
  static std::string show(const Tokens& value) { return value.words.empty() ? "" : "***"; }
};

template <>
struct ValueOf<std::vector<Replica>> {
  static constexpr Kind kKind = Kind::addresses;
  static void parse(std::string_view text, std::vector<Replica>& value, const Reading& reading);
  static std::string show(const std::vector<Replica>& value);
};

template <>
struct ValueOf<Upstream> {
  static constexpr Kind kKind = Kind::upstream;
  static void parse(std::string_view text, Upstream& value, const Reading& reading) {
    store_upstream_url(text, value, reading.place.base, reading.complaints);
  }
  static std::string show(const Upstream& value) { return upstream_url(value); }
};

/// Reads the name of a file: made absolute from `place.base`, and it has to be a file that can be read.
void parse_file(std::string_view text, std::string& value, const Reading& reading);

template <class T>
struct Unwrapped {
  using Type = T;
  static constexpr bool kOptional = false;
};
template <class T>
struct Unwrapped<std::optional<T>> {
  using Type = T;
  static constexpr bool kOptional = true;
};

/// Completes a row: `access(place)` is the field that the option sets.
template <class Access>
Option bound(Option option, Access access) {
  using Field = std::remove_cvref_t<decltype(access(std::declval<const Place&>()))>;
  using Value = typename Unwrapped<Field>::Type;
  if (option.kind == Kind::text) option.kind = ValueOf<Value>::kKind;
  if constexpr (Enumerated<Value>) option.choices = choices_of<Value>();

  const bool is_file = option.kind == Kind::file;
  option.store = [access, is_file, range = option.range](const Place& place, std::string_view text,
                                                         std::vector<std::string>& complaints) {
    const Reading reading{place, range, complaints};
    Value value{};
    if constexpr (!Unwrapped<Field>::kOptional) value = access(place);
    if constexpr (std::is_same_v<Value, std::string>) {
      is_file ? parse_file(text, value, reading) : ValueOf<Value>::parse(text, value, reading);
    } else {
      ValueOf<Value>::parse(text, value, reading);
    }
    access(place) = std::move(value);
  };
  option.reset = [access](const Place& place) {
    Blank blank;
    access(place) = access(blank.place());
  };
  option.copy = [access](const Place& to, const Place& from) { access(to) = access(from); };
  option.show = [access](const Place& place) {
    const Field& field = access(place);
    if constexpr (Unwrapped<Field>::kOptional) {
      return field ? ValueOf<Value>::show(*field) : std::string();
    } else {
      return ValueOf<Value>::show(field);
    }
  };
  if constexpr (std::is_same_v<Value, Upstream>) {
    option.open = [access](const Place& place) -> Upstream* {
      if constexpr (Unwrapped<Field>::kOptional) {
        return &access(place).emplace();
      } else {
        return &access(place);
      }
    };
  }
  return option;
}

}  // namespace forebay::config
