/// Who competes: the sources of a run, and every contender that can run on them here.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contenders.hpp"

namespace portier::bench {

/// Every name that `--contenders` takes, with one sentence each.
struct Known {
  std::string name;
  std::string what;
};
const std::vector<Known>& known_contenders();

/// The captures of a run, checked, before DPDK is started. Throws `std::invalid_argument`.
std::vector<Capture> captures_for(const Options& options);

/// MiB that DPDK needs for them.
unsigned memory_mb_for(const std::vector<Capture>& captures, const Options& options);

/// Owns captures, sources and what makes the contenders.
class Lineup {
 public:
  /// Throws `nic::Failure`.
  Lineup(std::vector<Capture> captures, Arena& arena, const Options& options);
  Lineup(const Lineup&) = delete;
  Lineup& operator=(const Lineup&) = delete;

  std::vector<Entry>& entries() { return entries_; }
  const std::vector<std::unique_ptr<Source>>& sources() const { return sources_; }
  /// Closes the sources. Returns the mbufs that are then missing.
  unsigned close();

 private:
  enum class Part { all, cold, beside_testpmd };

  void enter_capture(const Capture& capture);
  void enter_device(const Capture& capture);
  void add(const Match& match, Part part);
  void add_testpmd(const Match& match, const std::string& path);
  Entry* enter(const std::string& name, const Match& match, unsigned cores,
               std::function<std::unique_ptr<Contender>()> make);

  std::vector<Capture> captures_;
  Arena& arena_;
  const Options& options_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<CaptureFile>> files_;
  std::vector<Entry> entries_;
};

}  // namespace portier::bench
