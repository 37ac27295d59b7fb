#include "cli.hpp"

#include <ostream>

#include <CLI/CLI.hpp>

#include "check_command.hpp"
#include "cli_options.hpp"
#include "config/nearest.hpp"
#include "config/problem.hpp"
#include "config/values.hpp"
#include "generate_command.hpp"
#include "import_command.hpp"

namespace forebay {
namespace {

constexpr int kWrongUsage = 2;
constexpr std::size_t kColumn = 26;  ///< where the right column of the help starts

constexpr const char* kAbout =
    "Forebay stands between applications and PostgreSQL and shares few connections among many clients.";

constexpr const char* kExamples = R"(Examples:
  forebay serve --upstream postgres://forebay:secret@127.0.0.1:5432
      Pools that server on 127.0.0.1:6432; connect with: psql -h 127.0.0.1 -p 6432 -U you yourdb
  forebay check --config forebay.yaml
      Tells every mistake in the file, or what it would run
  forebay import /etc/pgbouncer/pgbouncer.ini > forebay.yaml
      Takes an existing PgBouncer over

`forebay serve --help` lists the flags.)";

constexpr const char* kServeExamples = R"(Examples:
  forebay serve --upstream postgres://forebay:secret@127.0.0.1:5432
  forebay serve --upstream postgres://forebay:secret@db.example --listen 0.0.0.0:6432 --listen unix:/run/forebay
                --pool-size 30 --tls require --tls-cert server.crt --tls-key server.key
  forebay serve --config forebay.yaml --log-level debug

The upstream's user looks up who may log in; it has to be allowed to read pg_authid (or see auth.query). Clients log in
with their own names and passwords. Other users of this machine can see a command line: keep passwords in a file, where
${NAME} takes them from the environment. SIGHUP reads the file again.)";

constexpr const char* kCheckExamples = R"(Example:
  forebay check --config forebay.yaml

The flags of serve may be given as well.
Exit code 0: no mistakes; 1: mistakes, each told as file:line:column; 2: a wrong command line.)";

constexpr const char* kImportExamples = R"(Example:
  forebay import /etc/pgbouncer/pgbouncer.ini > forebay.yaml && forebay check --config forebay.yaml

What could not be carried over is told on standard error, and in comments at the top of the file.)";

constexpr const char* kOutboxExamples = R"(Examples:
  forebay outbox install --upstream postgres://forebay:secret@127.0.0.1:5432/shop --dry-run
      Prints the SQL that the same without --dry-run would run
  forebay outbox status --upstream postgres://forebay:secret@127.0.0.1:5432/shop
      Lists the tables that are followed, and those that are not

The user has to own the tables. Each of them is done in a transaction of its own. Tables that are made later are not
followed, and so not kept, before install is run again.)";

constexpr const char* kTopologyExamples = R"(Examples:
  forebay topology
  forebay topology postgres://admin@127.0.0.1:6432

It asks as a user of the console (admin.users or admin.stats_users); PGPASSWORD or ~/.pgpass may hold the password.
Ends with 0 when the primary is up and no server is down or refused.)";

constexpr const char* kTopExamples = R"(Examples:
  forebay top
  forebay top postgres://admin@127.0.0.1:6432 --interval 5
  forebay top --once
      One interval, in plain lines: for a script or a ticket

What is told is of the interval alone: rates, mean times, and the statements that took most time in it; the statements
are without their values. It asks as a user of the console, as forebay topology does. q leaves.)";

constexpr const char* kGenerateExamples = R"(Examples:
  forebay generate prometheus-rules --config forebay.yaml > forebay-rules.yaml
      Alerting rules for Prometheus, from the same rules that Forebay itself watches by
  forebay generate grafana > forebay-dashboard.json
      A dashboard for Grafana, with a panel for each signal)";

/// A mistyped flag or subcommand with the nearest that exists.
void tell_unknown(const CLI::App& app, const std::string& argument, std::ostream& err) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) known.push_back(option->get_name());
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (!command->get_group().empty()) known.push_back(command->get_name());
  }
  auto near = config::nearest(argument.substr(0, argument.find('=')), known);
  const bool is_file = argument.ends_with(".yaml") || argument.ends_with(".yml");
  if (is_file && app.get_option_no_throw("--config") != nullptr) near = "--config " + argument;
  err << "forebay: " << config::in_quotes(argument) << " is not known here"
      << (near ? "; did you mean " + *near + "?" : "") << '\n';
}

/// What CLI11 says of a wrong number of values, in plain words.
std::string told(const CLI::ParseError& error) {
  std::string text = error.what();
  const std::string name = text.substr(0, text.find(": "));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr || name.size() == text.size())
    return text;
  return text.find("received") == std::string::npos ? name + " needs a value"
                                                    : name + " is given more than once and takes one value";
}

/// One of a few words, with the nearest of them when it is another.
CLI::Validator one_of(std::vector<std::string> words) {
  return {[words = std::move(words)](const std::string& word) {
            const auto found = config::find_choice(word, words, words);
            return found ? std::string() : found.error().text;
          },
          ""};
}

int serve_command(const SettingFlags& flags, bool takeover, std::ostream& err, const Workers& workers) {
  config::LoadRequest request = load_request(flags);
  request.further_checks = workers.further_checks;
  auto settings = config::load(request);
  if (!settings) {
    err << settings.error().text << '\n';
    return 1;
  }
  return workers.serve({*settings, [request] { return config::load(request); }, flags.config_file, takeover});
}

/// The command line: its subcommands and what they were given.
class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(1);
    app_.footer(kExamples);
    app_.set_version_flag("--version", "forebay " FOREBAY_VERSION, "Print the version and exit");
    app_.get_formatter()->column_width(kColumn);

    serve_->footer(kServeExamples);
    add_setting_flags(*serve_, flags_, "Options");
    serve_->add_flag("--takeover", takeover_,
                     "Take the listening sockets over from the process that serves now; its\n"
                     "clients stay with it until they leave");

    check_->footer(kCheckExamples);
    add_setting_flags(*check_, flags_, kFlagsOfServe);
    const auto help = std::make_shared<HelpWithoutFlags>();
    help->column_width(kColumn);
    check_->formatter(help);
    check_->add_flag("--all", all_, "Also print every setting with its value");

    import_->footer(kImportExamples);
    import_->add_option("FILE", ini_file_, "PgBouncer's configuration, usually pgbouncer.ini")
        ->required()
        ->type_name("");

    outbox_->footer(kOutboxExamples);
    outbox_->add_option("ACTION", outbox_options_.action, "install, remove or status")
        ->required()
        ->type_name("")
        ->check(one_of({"install", "remove", "status"}));
    outbox_->add_option("--upstream", outbox_options_.upstream, "The server and the database, as a URL")
        ->required()
        ->type_name("URL");
    outbox_->add_option("--relation", outbox_options_.relations, "Only this table; may be repeated")
        ->type_name("NAME")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    outbox_->add_flag("--dry-run", outbox_options_.dry_run, "Print the SQL, and do nothing");

    topology_->footer(kTopologyExamples);
    topology_->add_option("URL", console_, "Where Forebay is [postgres://127.0.0.1:6432/forebay]")
        ->type_name("");

    top_->footer(kTopExamples);
    top_->add_option("URL", top_options_.console, "Where Forebay is [postgres://127.0.0.1:6432/forebay]")
        ->type_name("");
    top_->add_option("--interval", top_options_.interval, "Seconds between two looks [2]")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.2, 3600.0));
    top_->add_flag("--once", top_options_.once, "Print one interval and end, as where there is no terminal");

    generate_->footer(kGenerateExamples);
    generate_->add_option("WHAT", generate_options_.what, "schema, reference, prometheus-rules or grafana")
        ->required()
        ->type_name("")
        ->check(one_of({"schema", "reference", "prometheus-rules", "grafana"}));
    generate_
        ->add_option("--config", generate_options_.config_file,
                     "Where the rules of alerts are, for the last two")
        ->type_name("FILE");
  }

  int run(int argc, const char* const* argv, std::ostream& out, std::ostream& err, const Workers& workers) {
    try {
      app_.parse(argc, argv);
      if (serve_->parsed()) return serve_command(flags_, takeover_, err, workers);
      if (outbox_->parsed()) return workers.outbox(outbox_options_, out, err);
      if (topology_->parsed()) return workers.topology(console_, out, err);
      if (top_->parsed()) return workers.top(top_options_, out, err);
      if (check_->parsed()) return check(out, err, workers);
      if (import_->parsed()) return import_command(ini_file_, out, err);
      return generate_command(generate_options_, out, err);
    } catch (const CLI::Success& done) {
      return app_.exit(done, out, err);
    } catch (const CLI::ParseError& error) {
      if (argc < 2) {
        err << app_.help();
        return kWrongUsage;
      }
      const std::string argument = unexpected();
      if (argument.empty()) {
        err << "forebay: " << told(error) << '\n';
      } else {
        tell_unknown(current(), argument, err);
      }
    }
    err << "See forebay " << (&current() == &app_ ? "" : current().get_name() + " ") << "--help\n";
    return kWrongUsage;
  }

 private:
  int check(std::ostream& out, std::ostream& err, const Workers& workers) const {
    config::LoadRequest request = load_request(flags_);
    request.further_checks = workers.further_checks;
    if (request.file.empty() && request.overrides.empty()) {
      throw CLI::ValidationError(
          "nothing to check; give --config FILE, or flags of serve such as --upstream URL");
    }
    return check_command(request, all_, out, err);
  }

  /// The subcommand that was named, or the program itself.
  const CLI::App& current() const {
    for (const CLI::App* command : {serve_, check_, import_, outbox_, topology_, top_, generate_}) {
      if (command->parsed()) return *command;
    }
    return app_;
  }

  std::string unexpected() const {
    const auto rest = app_.remaining(true);
    return rest.empty() ? "" : rest.front();
  }

  CLI::App app_{kAbout, "forebay"};
  CLI::App* serve_ = app_.add_subcommand("serve", "Run the daemon");
  CLI::App* check_ =
      app_.add_subcommand("check", "Tell every mistake in a configuration, or what it would run");
  CLI::App* import_ = app_.add_subcommand("import", "Print PgBouncer's configuration as Forebay's");
  CLI::App* outbox_ =
      app_.add_subcommand("outbox", "Make or remove the triggers for the cache's level outbox");
  CLI::App* topology_ =
      app_.add_subcommand("topology", "Ask a running Forebay for its servers and their states");
  CLI::App* top_ = app_.add_subcommand("top", "Watch what a running Forebay does");
  CLI::App* generate_ = app_.add_subcommand(
      "generate", "Print the JSON Schema of the file, the reference, or what watches Forebay");
  SettingFlags flags_;
  bool takeover_ = false;
  bool all_ = false;
  std::string ini_file_;
  OutboxOptions outbox_options_;
  std::string console_ = "postgres://";
  TopOptions top_options_;
  GenerateOptions generate_options_;
};

}  // namespace

int run_command_line(int argc, const char* const* argv, std::ostream& out, std::ostream& err,
                     const Workers& workers) {
  return CommandLine().run(argc, argv, out, err, workers);
}

}  // namespace forebay
