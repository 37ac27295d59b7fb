#include "engine/statement_names.hpp"

#include <algorithm>

namespace forebay::engine {

namespace {

constexpr std::size_t kLongestName = 63;

std::string_view cut(std::string_view name) {
  return name.substr(0, kLongestName);
}

std::size_t bytes_of(const PreparedStatementPtr& statement) {
  return statement == nullptr ? 0 : statement->text.size() + statement->parameter_types.size();
}

}  // namespace

const StatementNames::Named::value_type* StatementNames::look_up(std::string_view name) const {
  const auto at = named_.find(cut(name));
  return at == named_.end() ? nullptr : last_named_ = &*at;
}

const PreparedStatementPtr* StatementNames::find(std::string_view name) const {
  const auto* known = named(name);
  return known == nullptr || known->second.statement == nullptr ? nullptr : &known->second.statement;
}

bool StatementNames::may_exist(std::string_view name) const {
  return named(name) != nullptr;
}

ChangeNumber StatementNames::maker(std::string_view name) const {
  const auto* known = named(name);
  return known == nullptr ? 0 : known->second.maker;
}

std::string StatementNames::spelled(const std::string& name, const Entry& entry) {
  return entry.spelling.empty() ? name : entry.spelling;
}

void StatementNames::assign(const std::string& name, Entry& entry, PreparedStatementPtr statement,
                            ChangeNumber maker) {
  if (entry.statement != nullptr && !name.empty()) {
    // Answers come in order, so none that is open is about an older one.
    constexpr auto kOld = static_cast<std::ptrdiff_t>(kMostOpen);
    if (former_.size() >= 2 * kMostOpen) former_.erase(former_.begin(), former_.begin() + kOld);
    former_.push_back({entry.maker, entry.statement->id, spelled(name, entry)});
  }
  text_bytes_ += bytes_of(statement) - bytes_of(entry.statement);
  entry.statement = std::move(statement);
  entry.maker = maker;
}

void StatementNames::drop_if_empty(Named::iterator at) {
  if (at->second.open > 0 || at->second.statement != nullptr) return;
  last_named_ = nullptr;
  named_.erase(at);
}

ChangeNumber StatementNames::set(std::string_view name, PreparedStatementPtr statement, bool sent) {
  const auto at = named_.try_emplace(std::string(cut(name))).first;
  last_named_ = &*at;
  Entry& entry = at->second;
  if (name.size() > kLongestName) entry.spelling = name;
  const ChangeNumber number = ++last_number_;
  const std::uint64_t sent_id = sent ? statement->id : 0;
  if (sent) note_on_its_way(sent_id);
  changes_.push_back({number, batch_, at->first, entry.statement, entry.maker, sent_id});
  assign(at->first, entry, std::move(statement), number);
  ++entry.open;
  entry.last_batch = batch_;
  return number;
}

std::size_t StatementNames::place_of(ChangeNumber change) {
  std::size_t place = 0;
  while (place < changes_.size() && changes_[place].number != change) ++place;
  return place;
}

void StatementNames::finish(ChangeNumber change) {
  const std::size_t place = place_of(change);
  if (place == changes_.size()) return;
  if (changes_[place].sent != 0) note_arrived(changes_[place].sent);
  if (const auto at = named_.find(changes_[place].name); at != named_.end()) {
    --at->second.open;
    drop_if_empty(at);
  }
  changes_.erase(place);
}

std::uint64_t StatementNames::undo(ChangeNumber change, bool failed) {
  const std::size_t place = place_of(change);
  if (place == changes_.size()) return 0;
  Change undone = std::move(changes_[place]);
  changes_.erase(place);
  if (undone.sent != 0) note_arrived(undone.sent);
  // A Parse that fails has dropped the unnamed statement already (exec_parse_message in tcop/postgres.c).
  if (failed && undone.name.empty()) undone.previous = nullptr;
  const auto at = named_.find(undone.name);
  if (at == named_.end()) return undone.sent;
  Entry& entry = at->second;
  --entry.open;
  for (std::size_t later = place; entry.open > 0 && later < changes_.size(); ++later) {
    if (changes_[later].name != undone.name) continue;
    // The next change of the name follows upon what was before this one.
    changes_[later].previous = std::move(undone.previous);
    changes_[later].previous_maker = undone.previous_maker;
    return undone.sent;
  }
  assign(undone.name, entry, std::move(undone.previous), undone.previous_maker);
  drop_if_empty(at);
  return undone.sent;
}

void StatementNames::settle_all() {
  while (!changes_.empty()) finish(changes_.front().number);
  on_their_way_.clear();
}

void StatementNames::give_up(std::string_view name) {
  const auto at = named_.find(cut(name));
  if (at == named_.end()) return;
  assign(at->first, at->second, nullptr, 0);
  drop_if_empty(at);
}

void StatementNames::give_up_all() {
  last_named_ = nullptr;
  text_bytes_ = 0;
  named_.clear();
  changes_.clear();
  on_their_way_.clear();
  former_.clear();
}

bool StatementNames::is_undecided(std::string_view name) const {
  if (!any_undecided()) return false;
  const auto* known = named(name);
  return known != nullptr && known->second.open > 0 && known->second.last_batch != batch_;
}

void StatementNames::note_arrived(std::uint64_t statement) {
  std::size_t at = 0;
  while (at < on_their_way_.size() && on_their_way_[at].statement != statement) ++at;
  if (at < on_their_way_.size()) on_their_way_.erase(at);
}

bool StatementNames::is_on_its_way(std::uint64_t statement) const {
  for (std::size_t at = 0; at < on_their_way_.size() && on_their_way_[at].batch != batch_; ++at) {
    if (on_their_way_[at].statement == statement) return true;
  }
  return false;
}

std::pair<std::uint64_t, std::string> StatementNames::name_of(ChangeNumber maker) const {
  for (const auto& [name, entry] : named_) {
    if (entry.maker == maker && entry.statement != nullptr)
      return {entry.statement->id, spelled(name, entry)};
  }
  for (const Former& former : former_) {
    if (former.maker == maker) return {former.statement, former.name};
  }
  return {};
}

}  // namespace forebay::engine
