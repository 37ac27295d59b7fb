#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "backend/stream_connection.hpp"
#include "wire/data_row.hpp"

/// What the answers to the change stream's questions hold.
namespace forebay::backend {

/// A view into the result.
std::string_view value_of(const PGresult* result, int row, int column);
/// The number in the only row; nothing when there is no such thing.
std::optional<std::uint64_t> number_of(const PGresult* result, int column);
std::vector<wire::Row> rows_of(const PGresult* result);
/// The results that have rows.
std::vector<const PGresult*> tables_of(const StreamConnection::Reply& reply);

}  // namespace forebay::backend
