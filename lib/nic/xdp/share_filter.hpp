/// The XDP program that shares an interface with the kernel: loaded from the bytes in this program, attached, and told
/// which ports to redirect. Control thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "nic/xdp/share_table.hpp"

namespace portier::nic {

struct ShareLimits {
  unsigned datagrams = 4096;  ///< first fragments remembered
  unsigned fragment_timeout_ms = 1000;
};

class ShareFilter {
 public:
  /// Loads the program; it redirects nothing yet. Throws `Failure`.
  explicit ShareFilter(const ShareLimits& limits);
  /// Detaches.
  ~ShareFilter();
  ShareFilter(const ShareFilter&) = delete;
  ShareFilter& operator=(const ShareFilter&) = delete;

  /// Attaches it through a BPF link, which the kernel takes away with this process, however that ends. An AF_XDP
  /// program with no process behind it is replaced; any other one is a `Failure` that names it. Sockets of AF_XDP
  /// drivers that are made afterwards join it.
  void attach(const std::string& interface);
  void detach();

  /// Makes the maps say what `table` says, in place. Each address changes at once, from its old ports to its new ones,
  /// so no packet of a port that is in both is missed; addresses that stay as they are are not touched. A grace period
  /// of the kernel for each one that changes: some milliseconds. Throws `Failure`; then some may have changed.
  void apply(const ShareTable& table);

  int program_fd() const;
  int sockets_fd() const;  ///< of `xsks_map`

 private:
  struct Loaded;
  struct Place {
    bool is_used = false;
    SharedAddress address;
    PortSet ports;
  };
  void remove(std::uint32_t place);

  std::unique_ptr<Loaded> loaded_;
  int link_ = -1;
  std::vector<Place> places_;  ///< what the maps say; an address keeps its place
};

/// A sentence where the interface has more receive queues than `queues`, which portier reads: what comes by the others
/// stays with the kernel, bound or not. Empty: all is well, or the kernel does not say.
std::string unread_queues(const std::string& interface, std::size_t queues);

}  // namespace portier::nic
