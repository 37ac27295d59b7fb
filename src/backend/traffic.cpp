#include "backend/traffic.hpp"

#include "observe/growth.hpp"

namespace forebay::backend {

namespace {

using T = Traffic;

constexpr std::array kCounters{&T::assignments,
                               &T::failed_checkouts,
                               &T::transactions,
                               &T::queries,
                               &T::cached_queries,
                               &T::bytes_received,
                               &T::bytes_sent,
                               &T::transaction_micros,
                               &T::query_micros,
                               &T::wait_micros,
                               &T::client_parses,
                               &T::server_parses,
                               &T::binds,
                               &T::replica_reads,
                               &T::primary_reads_chosen,
                               &T::primary_reads_wanted,
                               &T::primary_reads_kept,
                               &T::primary_reads_behind,
                               &T::primary_reads_failed,
                               &T::reads_asked_again};
static_assert(sizeof(Traffic) == kCounters.size() * sizeof(std::uint64_t), "each of them is among them");

}  // namespace

Traffic& Traffic::operator+=(const Traffic& other) {
  for (const auto counter : kCounters) this->*counter += other.*counter;
  return *this;
}

Traffic Traffic::since(const Traffic& then) const {
  return observe::growth(*this, then, kCounters);
}

}  // namespace forebay::backend
