#include <iostream>

#include "cli.hpp"
#include "http/aliases.hpp"
#include "outbox.hpp"
#include "serve.hpp"
#include "top.hpp"
#include "topology.hpp"

int main(int argc, char** argv) {
  return forebay::run_command_line(
      argc, argv, std::cout, std::cerr,
      {forebay::serve, forebay::outbox, forebay::topology, forebay::top, forebay::http::check_aliases});
}
