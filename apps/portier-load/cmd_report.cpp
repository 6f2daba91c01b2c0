/// `portier-load report`: what --json has stored, shown again.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "commands.hpp"
#include "outputs.hpp"
#include "report_json.hpp"

namespace portier::load {

int cmd_report(const std::string& path, const LoadOptions& options) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "portier-load: {} cannot be opened ({})\n", path, std::strerror(errno));
    return exit_failed;
  }
  try {
    const auto json = nlohmann::ordered_json::parse(file, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) throw std::runtime_error("this is not JSON; name a file that --json wrote");
    return write_outputs(options, report_from_json(json)) ? exit_ok : exit_failed;
  } catch (const std::runtime_error& fault) {
    fmt::print(stderr, "portier-load: {}: {}\n", path, fault.what());
    return exit_failed;
  }
}

}  // namespace portier::load
