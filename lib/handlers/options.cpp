/// Reading of options.
#include "handlers/options.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <stdexcept>

namespace portier::handlers {

void refuse_unknown_options(const datapath::HandlerContext& context, std::string_view handler,
                            std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : context.options) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::string sentence = "handler \"" + std::string(handler) + "\" has no option \"" + name + "\"";
    if (known.size() == 0) sentence += "; it takes none";
    for (bool is_first = true; const auto option : known) {
      sentence += (is_first ? "; it takes " : ", ") + std::string(option);
      is_first = false;
    }
    throw std::invalid_argument(sentence);
  }
}

std::uint64_t number_option(const datapath::HandlerContext& context, std::string_view handler, const std::string& name,
                            std::uint64_t fallback, std::uint64_t limit) {
  const auto found = context.options.find(name);
  if (found == context.options.end()) return fallback;
  const auto& text = found->second;
  std::uint64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || value > limit) {
    throw std::invalid_argument("option \"" + name + "\" of handler \"" + std::string(handler) +
                                "\" must be a whole number from 0 to " + std::to_string(limit) + ", not \"" + text +
                                "\"");
  }
  return value;
}

std::string path_option(const datapath::HandlerContext& context, std::string_view handler, const std::string& name) {
  const auto found = context.options.find(name);
  if (found == context.options.end() || found->second.empty()) {
    throw std::invalid_argument("target \"" + std::string(handler) + "\" needs a path; write { " + name +
                                " = \"a/path\" }");
  }
  return (std::filesystem::path(context.directory) / found->second).lexically_normal().string();
}

}  // namespace portier::handlers
