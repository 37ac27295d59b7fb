#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/pgbouncer_ini.hpp"
#include "config/problem.hpp"

namespace forebay::config {

/// What an import has to tell.
struct ImportNotes {
  std::vector<std::string> lost;
  std::vector<std::string> unneeded;
  std::vector<Problem> problems;

  /// Each note once, in the order of the first.
  void tell_lost(std::string_view what, std::string_view why);
  void tell_unneeded(std::string_view what, std::string_view why);
};

/// Settings of PgBouncer by name.
using IniKeys = std::map<std::string, std::string>;

/// The server of an entry of [databases], and the user that looks others up there.
struct ImportTarget {
  std::string host;
  std::string port = "5432";
  std::string user;
  std::string password;

  bool operator==(const ImportTarget&) const = default;
};

/// An entry of [databases]: `keys` are those that do not say where it is.
struct ImportDatabase {
  std::string name;
  IniKeys keys;
  ImportTarget target;
};

/// An entry of [users].
struct ImportUser {
  std::string name;
  IniKeys keys;
};

/// A pgbouncer.ini with all that belongs to it, sorted for the import.
class PgbouncerSource {
 public:
  /// Reads everything; what is broken or cannot be carried goes to `notes`, which has to outlive this.
  PgbouncerSource(std::string file, ImportNotes& notes);

  /// A setting of [pgbouncer]: as given, or PgBouncer's default.
  std::string global(const std::string& name) const;
  bool given(const std::string& name) const { return globals_.contains(name); }

  /// A file name as PgBouncer would find it: from where it is started, which may have been the ini's
  /// directory.
  std::string absolute(const std::string& name) const;

  const std::vector<ImportDatabase>& databases() const { return databases_; }
  const std::vector<ImportUser>& users() const { return users_; }

  /// The server of the databases that are not named; when there is none, that of the first. Nothing without
  /// any.
  std::optional<ImportTarget> main_target() const;

  /// True when the auth_file has users and SCRAM secrets only.
  bool only_scram_secrets() const;

 private:
  void sort_line(const IniLine& line);
  IniKeys keys_of(const IniLine& line);
  void add_database(const IniLine& line);
  void read_auth_file();
  void tell_dropped();
  ImportTarget target_of(ImportDatabase& entry);
  std::string host_of(const ImportDatabase& entry, const std::string& hosts);
  std::string plain_password(const std::string& user) const;

  const std::string file_;
  ImportNotes& notes_;
  IniKeys globals_;
  std::vector<ImportDatabase> databases_;
  std::vector<ImportUser> users_;
  Pairs secrets_;
};

}  // namespace forebay::config
