#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "backend/stream_connection.hpp"
#include "cache/relation.hpp"
#include "wire/data_row.hpp"

/// What the answers to the change stream's questions hold.
namespace forebay::backend {

/// A view into the result.
std::string_view value_of(const PGresult* result, int row, int column);
/// The number of a transaction in the only row; nothing when there is no such thing.
std::optional<cache::TransactionId> transaction_of(const PGresult* result, int column);
std::vector<wire::Row> rows_of(const PGresult* result);
/// The results that have rows.
std::vector<const PGresult*> tables_of(const StreamConnection::Reply& reply);

}  // namespace forebay::backend
