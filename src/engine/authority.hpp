#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/pool_directory.hpp"
#include "base/clock.hpp"
#include "engine/errand.hpp"
#include "wire/secret.hpp"

namespace forebay::engine {

/// Knows, or finds out, what a role's password is checked against: the configuration's users and user list
/// first, then the server (pg_authid, or the configured query) asked as its upstream's user. A role of one
/// upstream is nobody on another, whatever its name. Logins that come while a question is on its way share
/// the answer, so that a storm costs few questions. One per thread.
class Authority {
 public:
  /// What is known of a role.
  struct Account {
    wire::Secret secret;
    /// Of which server's role it is, the name of one; empty: the configuration has it for all of them.
    std::string server = {};
    std::optional<wire::ScramVerifier> verifier =
        std::nullopt;  ///< what SCRAM is run with; derived when the secret is in clear
    bool exists = true;
    bool may_login = true;
    bool expired = false;
  };
  /// `refusal` is set when the server could not be asked.
  using Found = std::function<void(const Account* account, const backend::Login::Refusal* refusal)>;

  /// `directory` outlives the authority, and the authority outlives its tickets.
  explicit Authority(backend::PoolDirectory& directory) : directory_(directory) {}

  /// Of the role on the main upstream, or on the one that an entry of `databases` has
  /// (config::upstream_entry). Calls `found` now or later, unless the returned ticket is destroyed before.
  std::shared_ptr<void> find(const std::string& entry, const std::string& user, Found found);

  /// User lists, read anew at every configuration.
  void set_user_list(std::shared_ptr<const wire::SecretList> list) {
    user_list_ = std::move(list);
    configured_.clear();
  }
  /// Asks no more, and tells nobody. While the thread's loop runs: what was asked has to be taken back.
  void give_up() { lookups_.clear(); }

 private:
  /// A role on the upstream of an entry; on the main one when that has no name.
  struct Role {
    std::string entry;
    std::string user;

    auto operator<=>(const Role&) const = default;
  };
  /// A question to the server, as long as it is not answered.
  struct Lookup {
    std::unique_ptr<Errand> errand;
    std::vector<std::weak_ptr<Found>> waiting;
  };

  const Account* configured(const Role& role);
  std::optional<Account> find_configured(const config::Settings& settings, const Role& role) const;
  std::shared_ptr<Found> make_ticket(const Role& role, Found found);
  void on_ticket_gone(const Role& role);
  void look_up(const Role& role);
  void on_answer(const Role& role, const std::string& asked_as, const Errand::Outcome& outcome);
  void note_defaults(const Role& role, const Errand::Outcome& outcome);
  void tell(const Role& role, const Account* account, const backend::Login::Refusal* refusal);

  backend::PoolDirectory& directory_;
  std::shared_ptr<const wire::SecretList> user_list_;
  config::SettingsPtr configured_by_;   ///< what configured_ is of
  std::map<Role, Account> configured_;  ///< those that were asked for
  std::map<Role, Lookup> lookups_;
};

}  // namespace forebay::engine
