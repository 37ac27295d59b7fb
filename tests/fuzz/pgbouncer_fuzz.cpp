#include <sys/mman.h>
#include <unistd.h>

#include "config/document.hpp"
#include "config/pgbouncer_import.hpp"
#include "input.hpp"

/// A pgbouncer.ini. Whatever stands in it, what the import writes is YAML.
namespace {

using namespace forebay::config;
using forebay::fuzz::expect;

/// A file in memory, which has a name as long as it is open.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : descriptor_(memfd_create("pgbouncer.ini", MFD_CLOEXEC)) {
    expect(descriptor_ >= 0);
    expect(write(descriptor_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string name() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// Of this machine's files none is to be read: a device may never end.
bool names_other_files(std::string_view text) {
  return text.find("%include") != std::string_view::npos || text.find("auth_file") != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  forebay::fuzz::Input input(bytes, size);
  const std::string_view ini = input.rest();
  if (names_other_files(ini)) return 0;
  const PgbouncerImport import = import_pgbouncer(MemoryFile(ini).name());
  const auto no_variable = [](const std::string&) { return std::optional<std::string>(); };
  std::vector<Problem> problems;
  expect(parse_document(import.yaml, "forebay.yaml", no_variable, problems) != nullptr);
  expect(problems.empty());
  return 0;
}
