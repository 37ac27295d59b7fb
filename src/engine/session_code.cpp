#include "engine/session_code.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/ascii.hpp"
#include "engine/effect_sets.hpp"

namespace forebay::engine {

namespace {

constexpr Effects kSequences = Effect::advances_sequence | Effect::reads_sequence_state;

SessionCode::Site site_of(std::string_view word) {
  using Site = SessionCode::Site;
  if (word == "function") return Site::function;
  if (word == "read") return Site::read;
  if (word == "ddl") return Site::ddl;
  if (word == "anywhere") return Site::anywhere;
  return Site::write;
}

/// In these the sources can be read; in all others, C included, they can do anything.
bool is_readable(std::string_view language) {
  return language == "sql" || language == "plpgsql";
}

Effects without_sequences(Effects effects) {
  Effects rest;
  for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
    const auto effect = static_cast<Effect>(bit);
    if (effects.has(effect) && !kSequences.has(effect)) rest |= effect;
  }
  return rest;
}

}  // namespace

SessionCode::SessionCode(const backend::Rows& rows) {
  std::unordered_set<std::string> names;
  for (const wire::Row& row : rows) {
    if (row.size() == 4 && row[1]) names.insert(lower_case(*row[1]));
  }
  std::vector<Piece> pieces;
  Names lookalikes;
  for (const wire::Row& row : rows) {
    if (row.size() != 4 || !row[0] || !row[1] || !row[2]) continue;
    if (*row[0] == "lookalike") {
      lookalikes.insert(*row[1]);
      continue;
    }
    if (*row[0] == "sequence") {
      sequences_.insert(lower_case(*row[1]));
      continue;
    }
    Piece piece{site_of(*row[0]), lower_case(*row[1]), {}, {}};
    const std::string& language = *row[2];
    if (language == "relation") {
      piece.names = {lower_case(row[3].value_or(""))};
    } else if (language == "default" || is_readable(language)) {
      sql::CodeFacts facts = sql::read_code(row[3].value_or(""));
      // What draws a column's default is an INSERT, and that is known to advance sequences.
      piece.effects = language == "default" ? without_sequences(facts.effects) : facts.effects;
      piece.writes_anywhere = facts.writes_anywhere;
      piece.may_write = facts.may_write;
      std::ranges::copy_if(facts.words, std::back_inserter(piece.names),
                           [&names](const std::string& word) { return names.contains(word); });
      std::ranges::move(facts.settings, std::back_inserter(settings_));
    } else {
      piece.effects = Effect::runs_code;
      piece.may_write = true;
    }
    pieces.push_back(std::move(piece));
  }
  // What a read calls behind its text must not be taken for a read when it is more.
  const Names writers = writers_among(pieces);
  for (Piece& piece : pieces) {
    const auto is_writer = [&writers](const std::string& name) { return writers.contains(name); };
    const bool is_of_reads = piece.site == Site::read || piece.site == Site::anywhere;
    if (is_of_reads && std::ranges::any_of(piece.names, is_writer)) piece.effects |= Effect::runs_code;
  }
  std::ranges::sort(settings_);
  settings_.erase(std::unique(settings_.begin(), settings_.end()), settings_.end());
  close_over(pieces);
  find_views_of_sequences(pieces);
  for (const std::string& name : lookalikes) {
    Effects effects = find(functions_, lower_case(name));
    if (writers.contains(lower_case(name))) effects |= Effect::calls_unknown;
    if (!effects.empty()) lookalikes_.emplace_back(sql::hash_of_name(name), effects);
  }
  empty_ = empty_ && lookalikes_.empty();
}

SessionCode::Names SessionCode::writers_among(const std::vector<Piece>& pieces) {
  Names writers;
  const auto is_writer = [&writers](const std::string& name) { return writers.contains(name); };
  for (bool changed = true; changed;) {
    changed = false;
    for (const Piece& piece : pieces) {
      if (piece.site != Site::function || writers.contains(piece.name)) continue;
      if (!piece.may_write && std::ranges::none_of(piece.names, is_writer)) continue;
      writers.insert(piece.name);
      changed = true;
    }
  }
  return writers;
}

/// Until nothing changes: what a piece mentions, it may do.
void SessionCode::close_over(const std::vector<Piece>& pieces) {
  for (bool changed = true; changed;) {
    changed = false;
    for (const Piece& piece : pieces) {
      const Effects reached = reached_by(piece);
      if (reached.empty()) continue;
      Effects& known = of_site(piece);
      if (reached.only(known)) continue;
      known |= reached;
      if (piece.site == Site::write) all_writes_ |= reached;
      changed = true;
    }
  }
  empty_ = functions_.empty() && reads_.empty() && writes_.empty() && ddl_.empty() && anywhere_.empty();
}

void SessionCode::find_views_of_sequences(const std::vector<Piece>& pieces) {
  const auto is_one = [this](const std::string& name) { return sequences_.contains(name); };
  for (bool changed = !sequences_.empty(); changed;) {
    changed = false;
    for (const Piece& piece : pieces) {
      if (piece.site == Site::read && std::ranges::any_of(piece.names, is_one))
        changed |= sequences_.insert(piece.name).second;
    }
  }
}

bool SessionCode::reads_sequence(const sql::Verdict& verdict) const {
  return std::ranges::any_of(verdict.relations, [this](const std::string& relation) {
    return sequences_.contains(lower_case(relation));
  });
}

Effects SessionCode::reached_by(const Piece& piece) const {
  Effects reached = piece.effects;
  if (piece.writes_anywhere) reached |= all_writes_;
  for (const std::string& name : piece.names) {
    reached |= find(functions_, name);
    reached |= find(reads_, name);
    if (piece.site != Site::read) reached |= find(writes_, name);
  }
  return reached;
}

Effects& SessionCode::of_site(const Piece& piece) {
  switch (piece.site) {
    case Site::function:
      return functions_[piece.name];
    case Site::read:
      return reads_[piece.name];
    case Site::write:
      return writes_[piece.name];
    case Site::ddl:
      return ddl_;
    case Site::anywhere:
      break;
  }
  return anywhere_;
}

Effects SessionCode::find(const ByName& map, const std::string& name) {
  const auto at = map.find(name);
  return at == map.end() ? Effects() : at->second;
}

Effects SessionCode::effects_of(const sql::Verdict& verdict) const {
  Effects effects = anywhere_;
  if (verdict.effects.any_of(Effect::changes_schema | Effect::drops_objects)) effects |= ddl_;
  const bool writes = verdict.effects.has(Effect::writes);
  for (const std::string& relation : verdict.relations) {
    const std::string name = lower_case(relation);
    effects |= find(reads_, name);
    if (writes) effects |= find(writes_, name);
  }
  for (const std::string& function : verdict.functions) effects |= find(functions_, lower_case(function));
  for (const auto& [hash, reached] : lookalikes_) {
    if (std::ranges::binary_search(verdict.possible_calls, hash)) effects |= reached;
  }
  return effects;
}

}  // namespace forebay::engine
