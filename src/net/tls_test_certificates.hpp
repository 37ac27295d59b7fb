#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

namespace forebay::net::testing {

/// Certificates for tests, made on the spot: no key is ever in the repository, and none outlives the test.

template <auto kFree>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

inline void require(bool condition, const char* what) {
  if (!condition) throw std::runtime_error(std::string("test certificates: ") + what);
}

struct Identity {
  Certificate certificate;
  Key key;
};

/// What a certificate says.
struct Subject {
  std::string common_name;                   ///< may hold a NUL
  std::string alternative_names{};           ///< OpenSSL's notation: "DNS:a.example,IP:127.0.0.1"
  const EVP_MD* signed_with = EVP_sha256();  ///< null for an Ed25519 authority
};

inline void add_extension(X509* to, X509V3_CTX& context, int nid, const std::string& value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  require(extension != nullptr, "extension");
  X509_add_ext(to, extension, -1);
  X509_EXTENSION_free(extension);
}

class Authority {
 public:
  explicit Authority(const std::string& name, Key key = Key(EVP_EC_gen("P-256")))
      : identity_{nullptr, std::move(key)} {
    const bool ed25519 = EVP_PKEY_get_base_id(identity_.key.get()) == EVP_PKEY_ED25519;
    identity_.certificate = make({name, "", ed25519 ? nullptr : EVP_sha256()}, identity_.key.get(), true);
  }

  static Authority with_ed25519(const std::string& name) {
    return Authority(name, Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
  }

  X509* certificate() const { return identity_.certificate.get(); }

  Identity issue(const Subject& subject) const {
    Key key(EVP_EC_gen("P-256"));
    Certificate certificate = make(subject, key.get(), false);
    return {std::move(certificate), std::move(key)};
  }

 private:
  Certificate make(const Subject& subject, EVP_PKEY* key, bool is_authority) const {
    Certificate made(X509_new());
    X509* const certificate = made.get();
    X509* const issuer = is_authority ? certificate : identity_.certificate.get();
    X509_set_version(certificate, X509_VERSION_3);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_NID(name, NID_organizationName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>("Forebay test"), -1, -1, 0);
    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(subject.common_name.data()),
                               static_cast<int>(subject.common_name.size()), -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    add_extension(certificate, context, NID_basic_constraints,
                  is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (!subject.alternative_names.empty()) {
      add_extension(certificate, context, NID_subject_alt_name, subject.alternative_names);
    }
    require(X509_sign(certificate, identity_.key.get(), subject.signed_with) > 0, "signature");
    return made;
  }

  Identity identity_;
};

/// A directory that goes with the test.
class Directory {
 public:
  Directory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "forebay-tls-XXXXXX").string();
    require(mkdtemp(pattern.data()) != nullptr, "directory");
    path_ = pattern;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { std::filesystem::remove_all(path_); }

  std::string path(const std::string& name) const { return path_ / name; }

  std::string write(const std::string& name, X509* certificate) const {
    return write_with(name, 0644, [&](FILE* file) { return PEM_write_X509(file, certificate); });
  }
  /// Encrypted when there is a pass phrase.
  std::string write(const std::string& name, EVP_PKEY* key, mode_t mode = 0600,
                    const char* pass_phrase = nullptr) const {
    return write_with(name, mode, [&](FILE* file) {
      return PEM_write_PKCS8PrivateKey(file, key, pass_phrase != nullptr ? EVP_aes_128_cbc() : nullptr,
                                       nullptr, 0, nullptr, const_cast<char*>(pass_phrase));
    });
  }
  std::string write_text(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    return write_with(name, mode, [&](FILE* file) { return std::fputs(text.c_str(), file) >= 0 ? 1 : 0; });
  }

 private:
  template <class Write>
  std::string write_with(const std::string& name, mode_t mode, Write write) const {
    std::string file_path = path(name);
    FILE* const file = std::fopen(file_path.c_str(), "w");
    require(file != nullptr, "file");
    require(write(file) == 1, "writing");
    std::fclose(file);
    require(::chmod(file_path.c_str(), mode) == 0, "mode");
    return file_path;
  }

  std::filesystem::path path_;
};

}  // namespace forebay::net::testing
