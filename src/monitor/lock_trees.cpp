#include "monitor/lock_trees.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "monitor/reading.hpp"

namespace forebay::monitor {

namespace {

namespace json = boost::json;

/// Sessions by their process ids, those of one server.
class LockTrees {
 public:
  explicit LockTrees(const json::object* activity) {
    for (const json::object* session : list_in(activity, "sessions")) {
      const auto pid = pid_of(*session);
      sessions_[pid] = session;
      for (const std::int64_t blocker : blockers_of(*session)) blocked_by_[blocker].insert(pid);
    }
  }

  /// Those that wait for nobody first, each with all that wait for it below. In a circle, which the server
  /// will break, there is none: it is told from its lowest process id on.
  json::array take() {
    json::array trees;
    for (const auto& [pid, blocked] : blocked_by_) {
      const auto session = sessions_.find(pid);
      if (session == sessions_.end() || blockers_of(*session->second).empty()) trees.push_back(tree_of(pid));
    }
    for (const auto& [pid, blocked] : blocked_by_) {
      if (!told_.contains(pid)) trees.push_back(tree_of(pid));
    }
    return trees;
  }

 private:
  static std::int64_t pid_of(const json::object& session) {
    return static_cast<std::int64_t>(number_in(&session, "pid").value_or(0));
  }

  static std::vector<std::int64_t> blockers_of(const json::object& session) {
    std::vector<std::int64_t> blockers;
    const json::value* const list = session.if_contains("blocked_by");
    if (list == nullptr || !list->is_array()) return blockers;
    for (const json::value& pid : list->get_array()) {
      if (pid.is_int64()) blockers.push_back(pid.get_int64());
    }
    return blockers;
  }

  json::object tree_of(std::int64_t pid) {
    told_.insert(pid);
    const auto session = sessions_.find(pid);
    json::object tree = session == sessions_.end() ? json::object{{"pid", pid}} : *session->second;
    json::array below;
    const auto blocked = blocked_by_.find(pid);
    if (blocked != blocked_by_.end()) {
      for (const std::int64_t each : blocked->second) {
        if (!told_.contains(each)) below.push_back(tree_of(each));
      }
    }
    tree["waiting"] = std::move(below);
    return tree;
  }

  std::map<std::int64_t, const json::object*> sessions_;
  std::map<std::int64_t, std::set<std::int64_t>> blocked_by_;
  std::set<std::int64_t> told_;
};

}  // namespace

json::array lock_trees(const json::object* activity) {
  return LockTrees(activity).take();
}

}  // namespace forebay::monitor
