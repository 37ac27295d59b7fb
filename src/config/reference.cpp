#include "config/reference.hpp"

#include <vector>

#include <fmt/format.h>

#include "config/options.hpp"
#include "config/problem.hpp"

namespace forebay::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Generated from the table of settings: forebay generate reference > docs/configuration.md -->

Forebay runs with one flag (`forebay serve --upstream URL`) or with a YAML file (`forebay serve --config FILE`); flags
win over the file. `forebay check --config FILE` tells every mistake with line and column, or what the file would run.
[config/forebay.example.yaml](../config/forebay.example.yaml) is a file to start from, and
[config/forebay.schema.json](../config/forebay.schema.json) lets an editor complete and check while you type: put
`# yaml-language-server: $schema=PATH/forebay.schema.json` into the first line of the file.

- **Environment.** `${NAME}` in any value is replaced by the environment variable, `${NAME:-default}` by the default
  when the variable is not set or empty. Inside `{ }` and `[ ]` such a value goes between double quotes.
  `$${` is a plain `${`. What a variable holds is taken as it is; it cannot add YAML.
- **Durations** need a unit: `250ms`, `30s`, `5min`, `1h`, `7d`, `1h30min`. `0` means never.
- **Sizes** need a unit: `512KiB`, `256MiB`, `0.5GiB`. `K`, `M` and `G` mean the same; `KB`, `MB` and `GB` are powers
  of 1,000.
- **Lists** may be YAML lists, or one value with commas.
- **Files** with relative names start from the directory of the configuration file; in flags, from where Forebay is
  started.
- **On the command line:** `--set KEY=VALUE`, for example `--set timeouts.wait=5s`, for any setting but the entries of
  `databases`, `users`, `policies`, `http.aliases` and `alerts.rules`.
- **Reload:** SIGHUP, or RELOAD in the console, reads the file again without losing a client. When it has mistakes, they
  are logged and the old settings stay. What needs a restart is marked; it keeps its running value, and RELOAD and the
  log name it.
- **Aliases** (`&name`, `*name`) work. A file may have 1 MiB and 32 levels.

)";

constexpr std::string_view kUpstream = R"(## An upstream

A URL as libpq takes it, `postgres://` or `postgresql://`, percent-encoded:

    upstream: postgres://forebay:secret@db.example:5432/shop?sslmode=verify-full&sslrootcert=/etc/forebay/ca.pem
    upstream: postgres:///?host=/run/postgresql

or a mapping, which takes a password as it is:

    upstream:
      url: postgres://forebay@db.example
      password: ${FOREBAY_PASSWORD}
      tls: {mode: verify-full, ca: /etc/forebay/ca.pem}

| key | in a URL | what it is | default |
|---|---|---|---|
)";

/// Text for a cell of a table.
std::string cell(std::string text) {
  for (auto at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, "\\");
  return text;
}

std::string code(std::string_view text) {
  return text.empty() ? "" : fmt::format("`{}`", text);
}

std::string value_form(const Option& option) {
  switch (option.kind) {
    case Kind::count:
      return fmt::format("{} to {}", option.range.least, option.range.most);
    case Kind::duration:
      return "duration";
    case Kind::size:
      return fmt::format("size, {} to {}", to_text(ByteSize{option.range.least}),
                         to_text(ByteSize{option.range.most}));
    case Kind::boolean:
      return "true, false";
    case Kind::choice:
      return joined(option.choices);
    case Kind::names:
      return "names";
    case Kind::addresses:
      return "addresses";
    case Kind::upstream:
      return "URL or mapping";
    case Kind::file:
      return "file";
    case Kind::text:
    case Kind::secret:
      return "text";
  }
  return {};
}

std::string default_of(const Option& option) {
  if (option.kind == Kind::upstream) return {};
  Blank blank;
  return option.show(blank.place());
}

std::string row(const Option& option) {
  const std::string flag = option.flag.empty() ? "" : fmt::format(" Flag: `{}`.", option.flag);
  const std::string restart = option.needs_restart ? " Needs a restart." : "";
  return fmt::format("| `{}` | {} | {} | {} | {} |\n", option.key, cell(option.help + flag + restart),
                     cell(value_form(option)), code(default_of(option)), code(option.pgbouncer));
}

constexpr std::string_view kTableHead =
    "| key | what it is | values | default | in PgBouncer |\n|---|---|---|---|---|\n";

/// The rows of a scope that stand in `section`; empty: those in none.
std::string rows(Scope scope, std::string_view section) {
  std::string text;
  for (const Option& option : options()) {
    if (option.scope != scope) continue;
    const auto dot = option.key.find('.');
    const std::string_view own = dot == std::string::npos ? "" : std::string_view(option.key).substr(0, dot);
    if (scope != Scope::global || own == section) text += row(option);
  }
  return text;
}

std::string upstream_rows() {
  std::string text;
  for (const Option& option : options()) {
    if (option.scope != Scope::upstream) continue;
    text += fmt::format("| `{}` | {} | {} | {} |\n", option.key, code(option.url_parameter),
                        cell(option.help), code(default_of(option)));
  }
  return text;
}

}  // namespace

std::string reference() {
  std::string text(kIntroduction);
  text += fmt::format("## The file\n\n{}{}", kTableHead, rows(Scope::global, ""));
  text += fmt::format("\n{}{}", kUpstream, upstream_rows());
  for (const Section& section : sections()) {
    text += fmt::format("\n## {}\n\n{}\n", section.key, section.help);
    if (section.entries == Scope::alias) continue;  // an entry is a plain value
    text += fmt::format("\n{}", kTableHead);
    text += section.entries ? rows(*section.entries, "") : rows(Scope::global, section.key);
  }
  return text;
}

}  // namespace forebay::config
