/// What the scripted plug-in wrote down, and where the plug-ins of the tests are.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace portier::test {

inline std::string plugin_path(const std::string& name) {
  return std::string(PORTIER_TEST_PLUGINS) + "/" + name + ".so";
}

class PluginLog {
 public:
  PluginLog() {
    static unsigned number = 0;
    const auto name = "portier-plugin-log-" + std::to_string(getpid()) + "-" + std::to_string(number++);
    path_ = (std::filesystem::temp_directory_path() / name).string();
    std::filesystem::remove(path_);
  }
  ~PluginLog() { std::filesystem::remove(path_); }
  PluginLog(const PluginLog&) = delete;
  PluginLog& operator=(const PluginLog&) = delete;

  const std::string& path() const { return path_; }
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
  }
  /// Lines that begin with `word`.
  std::size_t count(const std::string& word) const {
    const auto all = lines();
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [&](const std::string& line) { return line.starts_with(word); }));
  }

 private:
  std::string path_;
};

}  // namespace portier::test
