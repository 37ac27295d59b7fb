#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "engine/authority.hpp"
#include "engine/errand.hpp"
#include "wire/md5.hpp"
#include "wire/sasl.hpp"
#include "wire/scram_server.hpp"
#include "wire/startup.hpp"

namespace forebay::pgfront {

class Client;

/// From a client's first byte to its session: TLS, the start-up packet, proof of who it is, and a greeting
/// that is true of the server behind us. Gone once the session stands. Used by the client's thread.
class Handshake {
 public:
  explicit Handshake(Client& client);
  ~Handshake();

  /// Handles what is complete and returns how many bytes were used.
  std::size_t on_input(const std::byte* bytes, std::size_t size);
  /// Input has to wait for a server's answer.
  bool is_waiting() const {
    return step_ == Step::looking_up || step_ == Step::greeting || step_ == Step::cancelling;
  }
  /// For a backend of it; null: for none.
  const backend::Pool* awaited_pool() const { return step_ == Step::greeting ? pool_.get() : nullptr; }
  /// Ends a login that takes too long.
  void give_up(const std::string& reason);

 private:
  enum class Step : std::uint8_t {
    first_packet,
    looking_up,
    clear_password,
    md5,
    scram_first,
    scram_final,
    greeting,
    cancelling,
    done
  };

  std::size_t on_first_packet(const std::byte* bytes, std::size_t size);
  void on_ssl_request(bool more_bytes);
  void on_gss_request();
  void refuse_request(std::uint32_t code);
  void pass_on(const wire::CancelKey& cancel);
  void on_startup(wire::StartupMessage message);
  void negotiate_version();
  bool check_tls();
  bool enter();

  void authenticate();
  void on_account(const engine::Authority::Account* account, const backend::Login::Refusal* refusal);
  void ask_for_scram();
  void ask_for_md5();
  void ask_for_clear_password();
  std::size_t on_password_message(const std::byte* bytes, std::size_t size);
  void on_clear_password(std::string_view password);
  void on_md5(std::string_view answer);
  void on_scram_first(std::string_view body);
  void on_scram_final(std::string_view body);
  void check_certificate();

  void accept(backend::Credentials credentials);
  void start_console();
  void note_vain_wait();
  void greet_from(backend::Backend& home);
  void greet(const backend::Greeting& greeting, backend::Backend* home);
  void request_authentication(std::uint32_t code, std::string_view data);
  void refuse(std::string_view sqlstate, std::string message, std::string hint = {});
  void tell_refusal(std::string_view sqlstate, std::string message, std::string hint);
  void refuse_in_old_format(const std::string& message);
  void refuse_password();
  std::string secret_reason() const;
  std::string limits_on_clients() const;
  void refuse(const wire::SaslFailure& failure);
  void refuse(const backend::Login::Refusal& refusal);
  bool is_console() const;

  Client& client_;
  Step step_ = Step::first_packet;
  bool entered_ = false;
  bool asked_for_tls_ = false;
  bool asked_for_gss_ = false;
  wire::StartupMessage startup_;
  engine::Authority::Account account_;
  std::shared_ptr<void> lookup_;
  std::shared_ptr<void> alive_;  ///< while a cancel is under way
  std::optional<wire::ScramServer> scram_;
  wire::Md5Salt md5_salt_{};
  std::shared_ptr<backend::Pool> pool_;
  std::array<backend::Permit, 2> permits_;
  backend::ProfilePtr profile_;
  std::unique_ptr<engine::Errand> greeting_;
  TimePoint waiting_since_{};  ///< for the greeting
};

}  // namespace forebay::pgfront
