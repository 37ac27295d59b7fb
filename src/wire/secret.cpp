#include "wire/secret.hpp"

namespace forebay::wire {

Result<Secret> Secret::parse(std::string_view text) {
  if (text.empty()) return Secret();
  if (auto hash = Md5Hash::parse(text)) return Secret(*std::move(hash));
  if (!text.starts_with("SCRAM-SHA-256$")) return Secret(SecretText(text));
  auto verifier = ScramVerifier::parse(text);
  if (!verifier) return verifier.error();
  return Secret(*std::move(verifier));
}

bool Secret::matches(std::string_view user, std::string_view password) const {
  if (const SecretText* held = plain()) return held->equals(password);
  if (const ScramVerifier* held = scram()) return held->matches(password);
  if (const Md5Hash* held = md5()) return *held == Md5Hash::from_password(user, password);
  return false;
}

Result<ScramVerifier> Secret::scram_verifier() const {
  if (const ScramVerifier* held = scram()) return *held;
  if (const SecretText* held = plain()) return ScramVerifier::from_password(held->view());
  return Error{
      ErrorCode::authentication,
      none()
          ? "the role has no password, so it cannot log in with one"
          : "the role's password is stored as md5, from which no SCRAM login can be made; set it again with "
            "password_encryption = scram-sha-256, or use md5 authentication"};
}

Result<Md5Hash> Secret::md5_hash(std::string_view user) const {
  if (const Md5Hash* held = md5()) return *held;
  if (const SecretText* held = plain()) return Md5Hash::from_password(user, held->view());
  return Error{ErrorCode::authentication, none() ? "the role has no password, so it cannot log in with one"
                                                 : "the role's password is stored as a SCRAM verifier, from "
                                                   "which no md5 login can be made; use scram "
                                                   "authentication"};
}

}  // namespace forebay::wire
