#include "world.hpp"

namespace checker {

int below(Random& random, int limit) {
  return std::uniform_int_distribution<int>(0, limit - 1)(random);
}

std::string Register::name() const {
  return family.table + "[" + std::to_string(number) + "]";
}

std::string Register::key() const {
  const std::string digits = std::to_string(number);
  switch (family.key_style) {
    case KeyStyle::number:
      return digits;
    case KeyStyle::text:
      return "key-" + digits;
    case KeyStyle::uuid:
      return "00000000-0000-4000-8000-" + std::string(12 - digits.size(), '0') + digits;
  }
  return digits;
}

World::World(bool lasting) {
  for (auto& families : {plain_families(lasting), special_families()}) {
    for (const Family& family : families) families_.push_back(std::make_unique<Family>(family));
  }
  for (const auto& family : families_) {
    for (int number = 1; number <= family->registers; ++number) {
      registers_.push_back(std::make_unique<Register>(*family, number));
    }
  }
}

Register* World::find(const Family& family, std::int64_t number) {
  for (const auto& candidate : registers_) {
    if (&candidate->family == &family && candidate->number == number) return candidate.get();
  }
  return nullptr;
}

Query read_query(const Register& target, const std::string& shape) {
  Query query;
  for (std::size_t at = 0; at < shape.size(); ++at) {
    if (shape[at] != '{') {
      query.text += shape[at];
      continue;
    }
    const auto end = shape.find('}', at);
    const std::string what = shape.substr(at + 1, end - at - 1);
    const int number = what == "upto" ? target.number + 3 : target.number;
    query.values.push_back(what == "key" ? target.key() : std::to_string(number));
    query.text += "$" + std::to_string(query.values.size());
    at = end;
  }
  return query;
}

}  // namespace checker
