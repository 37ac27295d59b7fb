#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace forebay::backend {

/// What pools have carried so far; sums of PoolCounters. Times are in microseconds.
struct Traffic {
  std::uint64_t assignments = 0;       ///< backends lent to clients
  std::uint64_t failed_checkouts = 0;  ///< clients that got none: refused, out of patience, cancelled, gone
  std::uint64_t transactions = 0;
  std::uint64_t queries = 0;
  std::uint64_t cached_queries = 0;  ///< of those, answered from memory alone
  std::uint64_t bytes_received = 0;  ///< from clients
  std::uint64_t bytes_sent = 0;      ///< to clients
  std::uint64_t transaction_micros = 0;
  std::uint64_t query_micros = 0;
  std::uint64_t wait_micros = 0;    ///< for a backend, whether there came one or not
  std::uint64_t client_parses = 0;  ///< statements that clients prepared by name
  std::uint64_t server_parses = 0;  ///< of those, prepared on a backend
  std::uint64_t binds = 0;          ///< of statements prepared by name
  // Batches of reads that could have gone to a replica, each time that a server was chosen.
  std::uint64_t replica_reads = 0;         ///< a replica
  std::uint64_t primary_reads_chosen = 0;  ///< the primary, which has its share of them
  std::uint64_t primary_reads_wanted = 0;  ///< the primary, for the client wants it
  std::uint64_t primary_reads_kept = 0;    ///< the primary, for the answer is to be kept
  std::uint64_t primary_reads_behind = 0;  ///< the primary, for no replica shows what the client has seen
  std::uint64_t primary_reads_failed = 0;  ///< the primary, for others have failed at them
  std::uint64_t reads_asked_again = 0;     ///< of all, those that a server had failed at before

  std::uint64_t checkouts() const { return assignments + failed_checkouts; }

  friend bool operator==(const Traffic&, const Traffic&) = default;

  Traffic& operator+=(const Traffic& other);
  Traffic since(const Traffic& then) const;  ///< see observe::growth
};

using TrafficByDatabase = std::map<std::string, Traffic>;

}  // namespace forebay::backend
