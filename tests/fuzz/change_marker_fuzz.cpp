#include "cache/change_marker.hpp"
#include "cache/decoded_change.hpp"
#include "cache/freshness.hpp"
#include "input.hpp"

/// A change stream, messages with zero bytes between. No transaction that changes a relation goes unnoticed,
/// and nothing else counts as a change of it.
namespace {

using namespace forebay::cache;
using forebay::fuzz::expect;
using forebay::fuzz::Input;

constexpr TransactionId kNear = (TransactionId{5} << 32) + 1000;

bool changes(const DecodedChange& change, std::string_view relation) {
  std::string_view list = change.relations;
  if (change.kind != ChangeKind::truncate) return list == relation;
  for (auto name = next_relation(list); !name.empty(); name = next_relation(list)) {
    if (name == relation) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Input input(bytes, size);
  Freshness freshness(forebay::Duration(1000));
  Relation& table = *freshness.intern_relation("public.t");
  table.set_key({static_cast<KeyKind>(input.below(4)), "id"});
  table.bucket("5");  // from the first look on, keys are counted
  ChangeMarker marker(freshness, kNear);
  bool noted = false;  // in the transaction at hand, of which one mark may be enough
  while (!input.empty()) {
    const std::string_view line = input.piece();
    const auto change = parse_decoded_change(line);
    const std::uint64_t before = table.whole().changes();
    if (!marker.note(line)) return 0;
    expect(change.has_value());
    noted = (noted && change->kind != ChangeKind::begin) || table.whole().changes() > before;
    expect(changes(*change, table.name()) ? noted : table.whole().changes() == before);
  }
  return 0;
}
