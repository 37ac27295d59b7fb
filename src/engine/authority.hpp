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
/// first, then the server (pg_authid, or the configured query) asked as the upstream's user. Logins that come
/// while a question is on its way share the answer, so that a storm costs few questions. One per thread.
class Authority {
 public:
  /// What is known of a role.
  struct Account {
    wire::Secret secret;
    std::optional<wire::ScramVerifier>
        verifier;  ///< what SCRAM is run with; derived when the secret is in clear
    bool exists = true;
    bool may_login = true;
    bool expired = false;
  };
  /// `refusal` is set when the server could not be asked.
  using Found = std::function<void(const Account* account, const backend::Login::Refusal* refusal)>;

  /// `directory` outlives the authority, and the authority outlives its tickets.
  explicit Authority(backend::PoolDirectory& directory) : directory_(directory) {}

  /// Calls `found` now or later, unless the returned ticket is destroyed before.
  std::shared_ptr<void> find(const std::string& user, Found found);

  /// User lists, read anew at every configuration.
  void set_user_list(std::shared_ptr<const wire::SecretList> list) {
    user_list_ = std::move(list);
    configured_.clear();
  }
  /// Asks no more, and tells nobody. While the thread's loop runs: what was asked has to be taken back.
  void give_up() { lookups_.clear(); }

 private:
  /// A question to the server, as long as it is not answered.
  struct Lookup {
    std::unique_ptr<Errand> errand;
    std::vector<std::weak_ptr<Found>> waiting;
  };

  std::optional<wire::Secret> configured(const std::string& user) const;
  std::shared_ptr<Found> make_ticket(const std::string& user, Found found);
  void on_ticket_gone(const std::string& user);
  void look_up(const std::string& user);
  void on_answer(const std::string& user, const Errand::Outcome& outcome);
  void note_defaults(const Errand::Outcome& outcome);
  void tell(const std::string& user, const Account* account, const backend::Login::Refusal* refusal);

  backend::PoolDirectory& directory_;
  std::shared_ptr<const wire::SecretList> user_list_;
  std::map<std::string, Account> configured_;  ///< of this configuration, those that were asked for
  std::map<std::string, Lookup> lookups_;
};

}  // namespace forebay::engine
