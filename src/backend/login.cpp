#include "backend/login.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "wire/protocol.hpp"
#include "wire/sasl.hpp"

namespace forebay::backend {

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

wire::ScramClient make_scram(const Credentials& credentials, bool tls, std::vector<std::byte> binding) {
  if (const auto* keys = std::get_if<wire::ScramKeys>(&credentials)) return {*keys, tls, std::move(binding)};
  return {std::get<wire::SecretText>(credentials), tls, std::move(binding)};
}

}  // namespace

Login::Login(std::vector<wire::Parameter> startup, Credentials credentials, bool tls,
             std::vector<std::byte> binding)
    : startup_(std::move(startup)),
      credentials_(std::move(credentials)),
      tls_(tls),
      binding_(std::move(binding)) {}

void Login::start(wire::Writer& reply) {
  wire::write_startup(reply, startup_);
}

const std::string& Login::user() const {
  return std::ranges::find(startup_, "user", &wire::Parameter::first)->second;
}

bool Login::refuse(std::string_view sqlstate, std::string message, std::string hint) {
  refusal_.ours = {wire::Severity::fatal, std::string(sqlstate), std::move(message), {}, std::move(hint)};
  return false;
}

bool Login::refuse(const Error& error) {
  return refuse(wire::sqlstate::kConnectionFailure,
                fmt::format("login to the server as \"{}\" failed: {}", user(), error.text));
}

bool Login::on_message(char type, std::string_view body, wire::Writer& reply) {
  switch (type) {
    case wire::server::kAuthentication:
      return on_authentication(body, reply);
    case wire::server::kParameterStatus: {
      const auto end = body.find('\0');
      if (end == std::string_view::npos) break;
      const std::string_view value = body.substr(end + 1);
      outcome_.parameters.emplace_back(body.substr(0, end), value.substr(0, value.find('\0')));
      return true;
    }
    case wire::server::kBackendKeyData: {
      if (body.size() != 8) break;
      const auto* bytes = reinterpret_cast<const std::byte*>(body.data());
      outcome_.cancel_key = {load_u32(bytes), load_u32(bytes + 4)};
      return true;
    }
    case wire::server::kReadyForQuery:
      // Only AuthenticationOk ends authentication: without it a server has proved nothing.
      if (body.size() != 1 || !authenticated_) break;
      outcome_.transaction_status = body[0];
      finished_ = true;
      return true;
    case wire::server::kErrorResponse:
      refusal_.server_error = body;
      return false;
    case wire::server::kNoticeResponse:
    case wire::server::kNegotiateProtocolVersion:
      return true;
    default:
      break;
  }
  return refuse(wire::sqlstate::kProtocolViolation,
                fmt::format("the server sent an unexpected message (type {:#x}) during login",
                            static_cast<unsigned char>(type)));
}

bool Login::on_authentication(std::string_view body, wire::Writer& reply) {
  if (body.size() < 4)
    return refuse(wire::sqlstate::kProtocolViolation, "the server sent a broken authentication request");
  const std::uint32_t code = load_u32(reinterpret_cast<const std::byte*>(body.data()));
  body.remove_prefix(4);
  using namespace wire::authentication;
  switch (code) {
    case kOk:
      // A server that skips the last step of SCRAM has not proved that it knows the verifier.
      if (scram_ && !scram_->finished()) {
        return refuse(wire::sqlstate::kProtocolViolation,
                      "the server ended SCRAM authentication without proving itself");
      }
      authenticated_ = true;
      return true;
    case kCleartextPassword:
      return answer_clear_password(reply);
    case kMd5Password:
      return answer_md5(body, reply);
    case kSasl:
      return start_scram(body, reply);
    case kSaslContinue: {
      if (!scram_) break;
      auto response = scram_->respond(body);
      if (!response) return refuse(response.error());
      reply.begin('p').text(*response).end();
      return true;
    }
    case kSaslFinal: {
      if (!scram_) break;
      auto verified = scram_->finish(body);
      return verified ? true : refuse(verified.error());
    }
    default:
      break;
  }
  return refuse(
      wire::sqlstate::kFeatureNotSupported,
      fmt::format("the server asks user \"{}\" for authentication method {}, which is not supported", user(),
                  code),
      "Use scram-sha-256, md5, password or trust for this host in the server's pg_hba.conf.");
}

bool Login::answer_clear_password(wire::Writer& reply) {
  const auto* password = std::get_if<wire::SecretText>(&credentials_);
  if (password == nullptr) {
    return refuse(
        wire::sqlstate::kInvalidPassword,
        fmt::format("the server asks for the password of \"{}\" in clear, which is not known here", user()),
        "Give the password in `users` or in auth.file (that of the upstream's own user in `upstream`), or "
        "use "
        "scram-sha-256 in pg_hba.conf.");
  }
  reply.begin('p').cstring(password->view()).end();
  return true;
}

bool Login::answer_md5(std::string_view salt_bytes, wire::Writer& reply) {
  wire::Md5Salt salt;
  if (salt_bytes.size() != salt.size()) {
    return refuse(wire::sqlstate::kProtocolViolation, "the server sent a broken md5 request");
  }
  std::memcpy(salt.data(), salt_bytes.data(), salt.size());
  const auto hash =
      std::visit(Overloaded{[&](const wire::SecretText& password) {
                              return std::optional(wire::Md5Hash::from_password(user(), password.view()));
                            },
                            [](const wire::Md5Hash& known) { return std::optional(known); },
                            [](const auto&) { return std::optional<wire::Md5Hash>(); }},
                 credentials_);
  if (!hash) {
    return refuse(
        wire::sqlstate::kInvalidPassword,
        fmt::format("the server asks for an md5 password of \"{}\", which is not known here", user()),
        "Set auth.mode to md5, or give the password in `users` or in auth.file, or use scram-sha-256 in "
        "pg_hba.conf.");
  }
  reply.begin('p').cstring(hash->response(salt)).end();
  return true;
}

bool Login::start_scram(std::string_view mechanisms, wire::Writer& reply) {
  if (!std::holds_alternative<wire::ScramKeys>(credentials_) &&
      !std::holds_alternative<wire::SecretText>(credentials_)) {
    return refuse(
        wire::sqlstate::kInvalidPassword,
        fmt::format("the server asks \"{}\" for SCRAM authentication, but its password is not known here",
                    user()),
        "Set auth.mode to scram (what clients prove is passed on), or give the password in `users` or in "
        "auth.file; that of the upstream's own user in `upstream`.");
  }
  scram_.emplace(make_scram(credentials_, tls_, binding_));
  auto first = scram_->start(as_bytes(mechanisms));
  if (!first) return refuse(first.error());
  reply.begin('p').text(wire::format_sasl_initial_response(scram_->mechanism(), *first)).end();
  return true;
}

}  // namespace forebay::backend
