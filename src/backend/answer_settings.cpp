#include "backend/answer_settings.hpp"

#include <string>

#include "backend/stream_reply.hpp"

namespace forebay::backend {

// Those of chapter 20 of PostgreSQL's documentation that change how values are read, compared or written, and
// which names mean what. Not those that only change plans, and so the order of rows that nobody asked for.
const char* const kAnswerSettingsQuestion =
    "SELECT s.name, s.setting FROM pg_catalog.pg_settings s WHERE s.name = ANY ('{DateStyle,IntervalStyle,"
    "TimeZone,array_nulls,backslash_quote,bytea_output,default_text_search_config,extra_float_digits,"
    "gin_fuzzy_search_limit,lc_monetary,lc_numeric,lc_time,quote_all_identifiers,row_security,search_path,"
    "standard_conforming_strings,timezone_abbreviations,transform_null_equals,xmlbinary,xmloption}') "
    "AND s.source NOT IN ('client', 'database', 'user', 'database user')";

route::AnswerSettings read_answer_settings(const StreamConnection::Reply& reply) {
  route::AnswerSettings settings;
  for (const PGresult* table : tables_of(reply)) {
    for (int row = 0; row < PQntuples(table); ++row)
      settings.emplace(value_of(table, row, 0), value_of(table, row, 1));
  }
  return settings;
}

}  // namespace forebay::backend
