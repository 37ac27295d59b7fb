#include "engine/flights.hpp"

namespace forebay::engine {

Flights::Lead Flights::lead(std::uint64_t hash) {
  Stripe& place = stripe(hash);
  const std::lock_guard lock(place.mutex);
  const bool leads = place.flights.try_emplace(hash).second;
  if (leads) place.under_way.fetch_add(1, std::memory_order_relaxed);
  return {leads ? this : nullptr, hash};
}

bool Flights::is_led(std::uint64_t hash) {
  Stripe& place = stripe(hash);
  if (place.under_way.load(std::memory_order_relaxed) == 0) return false;
  if (in_vain_[hash % kRemembered].load(std::memory_order_relaxed) == hash) return false;
  const std::lock_guard lock(place.mutex);
  return place.flights.contains(hash);
}

bool Flights::follow(std::uint64_t hash, std::shared_ptr<Follower> follower) {
  Stripe& place = stripe(hash);
  const std::lock_guard lock(place.mutex);
  const auto flight = place.flights.find(hash);
  if (flight == place.flights.end()) return false;
  flight->second.push_back(std::move(follower));
  return true;
}

void Flights::land(std::uint64_t hash, Outcome outcome) {
  auto& remembered = in_vain_[hash % kRemembered];
  if (outcome == Outcome::in_vain) {
    remembered.store(hash, std::memory_order_relaxed);
  } else if (outcome == Outcome::in_memory && remembered.load(std::memory_order_relaxed) == hash) {
    remembered.store(0, std::memory_order_relaxed);
  }
  Followers followers;
  {
    Stripe& place = stripe(hash);
    const std::lock_guard lock(place.mutex);
    const auto flight = place.flights.find(hash);
    followers = std::move(flight->second);
    place.flights.erase(flight);
    place.under_way.fetch_sub(1, std::memory_order_relaxed);
  }
  for (std::shared_ptr<Follower>& follower : followers) {
    net::Loop& loop = *follower->loop;
    loop.post([follower = std::move(follower)] {
      if (follower->on_landing) std::exchange(follower->on_landing, nullptr)();
    });
  }
}

}  // namespace forebay::engine
