#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/settings.hpp"

/// Settings as text, both ways: what a configuration file and the flags hold, and what the console shows. The
/// error of each reader says what is wrong and what is allowed, without naming the setting.
namespace forebay::config {

/// What a number, a duration or a size may be. Durations count in milliseconds, sizes in bytes.
struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = 1'000'000;
};

/// No timeout is longer: 366 days.
inline constexpr std::uint64_t kLongestDuration = 366ULL * 24 * 3600 * 1000;

Result<std::uint32_t> parse_count(std::string_view text, Range range);

/// `0`, or numbers with a unit each: 250ms, 30s, 5min, 1h, 7d, 1h30min, 0.5s.
Result<Duration> parse_duration(std::string_view text, Range range);

/// true, false; yes, no; on, off.
Result<bool> parse_boolean(std::string_view text);

/// Permissions in octal digits: 0770, 700. At most 0777.
Result<FileMode> parse_file_mode(std::string_view text);

/// A number with a unit: 512KiB, 256MiB, 0.5GiB, or K, M and G for the same. KB, MB and GB are powers of
/// 1,000, B is bytes.
Result<ByteSize> parse_byte_size(std::string_view text, Range range);

/// HOST[:PORT], [IPV6][:PORT] or the directory of a Unix socket with [:PORT]; then perhaps weight=N and
/// zone=NAME. The port is 5432 unless given.
Result<Replica> parse_replica(std::string_view text);

/// HOST[:PORT], [IPV6][:PORT] or unix:DIRECTORY[:PORT]; the port is 6432 unless given.
Result<ListenAddress> parse_listen_address(std::string_view text);
/// The same with another port.
Result<ListenAddress> parse_listen_address(std::string_view text, std::uint16_t default_port);
/// An address of TCP; without a port 9187.
Result<HttpAddress> parse_http_address(std::string_view text);

std::string to_text(Duration value);
std::string to_text(FileMode value);
std::string to_text(ByteSize value);
std::string to_text(const ListenAddress& address);
std::string to_text(const HttpAddress& address);
std::string to_text(const Replica& replica);

/// True when only this machine can reach the address: a Unix socket, a loopback address or the name
/// localhost.
bool is_local(const ListenAddress& address);

/// The names of an enumeration's values. The first of equal values is the one that is written.
template <class T>
struct Name {
  std::string_view text;
  T value;
};

inline constexpr Name<PoolMode> kPoolModes[] = {{"session", PoolMode::session},
                                                {"transaction", PoolMode::transaction},
                                                {"statement", PoolMode::statement}};

inline constexpr Name<AuthMode> kAuthModes[] = {
    {"scram", AuthMode::scram}, {"md5", AuthMode::md5},     {"password", AuthMode::password},
    {"cert", AuthMode::cert},   {"trust", AuthMode::trust}, {"scram-sha-256", AuthMode::scram}};

inline constexpr Name<TlsMode> kTlsModes[] = {
    {"disable", TlsMode::disable}, {"allow", TlsMode::allow},         {"prefer", TlsMode::prefer},
    {"require", TlsMode::require}, {"verify-ca", TlsMode::verify_ca}, {"verify-full", TlsMode::verify_full}};

inline constexpr Name<CacheStrategy> kCacheStrategies[] = {{"cache-aside", CacheStrategy::cache_aside},
                                                           {"refresh-ahead", CacheStrategy::refresh_ahead},
                                                           {"write-through", CacheStrategy::write_through}};

inline constexpr Name<LogLevel> kLogLevels[] = {{"debug", LogLevel::debug},
                                                {"info", LogLevel::info},
                                                {"warning", LogLevel::warning},
                                                {"error", LogLevel::error}};

/// The first of several names is the one that is shown.
inline constexpr Name<CacheUse> kCacheUses[] = {
    {"auto", CacheUse::automatic}, {"on", CacheUse::on},  {"off", CacheUse::off}, {"true", CacheUse::on},
    {"false", CacheUse::off},      {"yes", CacheUse::on}, {"no", CacheUse::off}};

inline constexpr Name<Samples> kSamples[] = {
    {"off", Samples::off}, {"masked", Samples::masked}, {"on", Samples::on}, {"false", Samples::off},
    {"no", Samples::off},  {"true", Samples::on},       {"yes", Samples::on}};

inline constexpr Name<CacheLevel> kCacheLevels[] = {{"auto", CacheLevel::best},
                                                    {"bounded", CacheLevel::bounded},
                                                    {"outbox", CacheLevel::outbox},
                                                    {"ttl", CacheLevel::ttl}};

inline constexpr Name<ReadsSee> kReadsSee[] = {{"own", ReadsSee::own}, {"all", ReadsSee::all}};

inline constexpr Name<PrimaryReads> kPrimaryReads[] = {{"last-resort", PrimaryReads::last_resort},
                                                       {"share", PrimaryReads::share}};

inline constexpr Name<Anonymous> kAnonymous[] = {
    {"none", Anonymous::none}, {"viewer", Anonymous::viewer}, {"admin", Anonymous::admin}};

inline constexpr Name<WebhookFormat> kWebhookFormats[] = {{"forebay", WebhookFormat::forebay},
                                                          {"alertmanager", WebhookFormat::alertmanager}};

constexpr std::span<const Name<WebhookFormat>> names_of(WebhookFormat) {
  return kWebhookFormats;
}
constexpr std::span<const Name<Anonymous>> names_of(Anonymous) {
  return kAnonymous;
}
constexpr std::span<const Name<ReadsSee>> names_of(ReadsSee) {
  return kReadsSee;
}
constexpr std::span<const Name<PrimaryReads>> names_of(PrimaryReads) {
  return kPrimaryReads;
}
constexpr std::span<const Name<PoolMode>> names_of(PoolMode) {
  return kPoolModes;
}
constexpr std::span<const Name<AuthMode>> names_of(AuthMode) {
  return kAuthModes;
}
constexpr std::span<const Name<TlsMode>> names_of(TlsMode) {
  return kTlsModes;
}
constexpr std::span<const Name<CacheStrategy>> names_of(CacheStrategy) {
  return kCacheStrategies;
}
constexpr std::span<const Name<LogLevel>> names_of(LogLevel) {
  return kLogLevels;
}
constexpr std::span<const Name<CacheUse>> names_of(CacheUse) {
  return kCacheUses;
}
constexpr std::span<const Name<Samples>> names_of(Samples) {
  return kSamples;
}
constexpr std::span<const Name<CacheLevel>> names_of(CacheLevel) {
  return kCacheLevels;
}

template <class T>
concept Enumerated = requires(T value) {
  names_of(value);
};

template <Enumerated T>
std::string to_text(T value) {
  for (const Name<T>& name : names_of(value)) {
    if (name.value == value) return std::string(name.text);
  }
  return {};
}

/// The names to tell a person: every value once.
template <Enumerated T>
std::vector<std::string> choices_of() {
  std::vector<std::string> choices;
  for (const Name<T>& name : names_of(T{})) {
    if (to_text(name.value) == name.text) choices.emplace_back(name.text);
  }
  return choices;
}

/// The index in `names` of the one that `text` means, '_' and '-' being equal; an error with the nearest
/// otherwise.
Result<std::size_t> find_choice(std::string_view text, const std::vector<std::string>& names,
                                const std::vector<std::string>& told);

template <Enumerated T>
Result<T> parse_choice(std::string_view text) {
  const auto names = names_of(T{});
  std::vector<std::string> texts;
  for (const Name<T>& name : names) texts.emplace_back(name.text);
  const auto index = find_choice(text, texts, choices_of<T>());
  if (!index) return index.error();
  return names[*index].value;
}

/// An error of configuration with this text.
inline Error complaint(std::string text) {
  return {ErrorCode::configuration, std::move(text)};
}

/// `text` without blanks at both ends.
std::string_view trimmed(std::string_view text);

/// The parts between commas, trimmed.
std::vector<std::string> split_list(std::string_view text);

}  // namespace forebay::config
