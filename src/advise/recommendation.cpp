#include "advise/recommendation.hpp"

#include "advise/words.hpp"

namespace forebay::advise {

std::string_view name_of(Urgency urgency) {
  switch (urgency) {
    case Urgency::now:
      return "now";
    case Urgency::soon:
      return "soon";
    case Urgency::consider:
      break;
  }
  return "consider";
}

std::string_view name_of(Unit unit) {
  switch (unit) {
    case Unit::client_seconds_per_hour:
      return "client_seconds_per_hour";
    case Unit::server_seconds_per_hour:
      return "server_seconds_per_hour";
    case Unit::milliseconds:
      return "milliseconds";
    case Unit::seconds:
      return "seconds";
    case Unit::share:
      return "share";
    case Unit::bytes:
      return "bytes";
    case Unit::rows:
      return "rows";
    case Unit::ids:
      return "ids";
    case Unit::none:
      break;
  }
  return "none";
}

std::string text_of(double value, Unit unit) {
  switch (unit) {
    case Unit::client_seconds_per_hour:
      return duration(value) + " of clients' time each hour";
    case Unit::server_seconds_per_hour:
      return duration(value) + " of servers' time each hour";
    case Unit::milliseconds:
      return milliseconds(value);
    case Unit::seconds:
      return duration(value);
    case Unit::share:
      return percent(value);
    case Unit::bytes:
      return bytes(value);
    case Unit::rows:
      return some(value, "row", "rows");
    case Unit::ids:
      return count(value);
    case Unit::none:
      break;
  }
  return "";
}

std::string_view name_of(Form form) {
  switch (form) {
    case Form::yaml:
      return "yaml";
    case Form::console:
      return "console";
    case Form::sql:
      return "sql";
    case Form::words:
      break;
  }
  return "words";
}

std::string id_of(std::string_view kind, std::string_view object) {
  return shortened(std::string(kind) + ':' + std::string(object), 200);
}

}  // namespace forebay::advise
