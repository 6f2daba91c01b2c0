/// The XDP program run on single frames by the kernel (BPF_PROG_TEST_RUN), without an interface.
#pragma once

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "nic/xdp/share_filter.hpp"
#include "packet/address.hpp"
#include "traffic/frame.hpp"

namespace portier::nic {

/// A sentence where this process may not load XDP programs; empty: it may, and then everything must work.
inline std::string why_no_xdp() {
  const int map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "probe", 4, 4, 1, nullptr);
  if (map < 0) return std::string("BPF maps need root, or CAP_BPF and CAP_NET_ADMIN: ") + std::strerror(-map);
  close(map);
  const int xdp_socket = socket(AF_XDP, SOCK_RAW, 0);
  if (xdp_socket < 0) return std::string("no AF_XDP socket can be made: ") + std::strerror(errno);
  close(xdp_socket);
  return {};
}

/// What the kernel can be asked about: it makes no frame shorter than an Ethernet header, nor longer than a page.
inline bool can_run(const traffic::Frame& frame) { return frame.size() >= 14 && frame.size() <= 3000; }

class Verdicts {
 public:
  /// With a socket behind rx queue 0, which the kernel runs the program for.
  explicit Verdicts(const ShareLimits& limits = {}, bool has_socket = true) : filter_(limits) {
    if (!has_socket) return;
    socket_ = socket(AF_XDP, SOCK_RAW, 0);
    const std::uint32_t queue = 0;
    if (bpf_map_update_elem(filter_.sockets_fd(), &queue, &socket_, BPF_ANY) != 0) {
      throw std::runtime_error(std::string("no socket in xsks_map: ") + std::strerror(errno));
    }
  }
  ~Verdicts() {
    if (socket_ >= 0) close(socket_);
  }
  Verdicts(const Verdicts&) = delete;
  Verdicts& operator=(const Verdicts&) = delete;

  ShareFilter& filter() { return filter_; }

  /// XDP_PASS or XDP_REDIRECT. Touches nothing of this object, so threads may ask at once.
  xdp_action verdict(const traffic::Frame& frame) const {
    bpf_test_run_opts run{};
    run.sz = sizeof run;
    run.data_in = frame.data();
    run.data_size_in = static_cast<std::uint32_t>(frame.size());
    run.repeat = 1;
    if (bpf_prog_test_run_opts(filter_.program_fd(), &run) != 0) {
      throw std::runtime_error(std::string("the program did not run: ") + std::strerror(errno));
    }
    return static_cast<xdp_action>(run.retval);
  }
  bool redirects(const traffic::Frame& frame) const {
    const auto action = verdict(frame);
    if (action != XDP_PASS && action != XDP_REDIRECT) throw std::runtime_error("verdict " + std::to_string(action));
    return action == XDP_REDIRECT;
  }

 private:
  ShareFilter filter_;
  int socket_ = -1;
};

/// Builds tables by words: `Ports().at(v4(192, 0, 2, 1), set).table()`.
class Ports {
 public:
  Ports& at(const packet::Address& address, const PortSet& set) {
    const auto known = std::ranges::find(table_.sets, set);
    const auto place = static_cast<std::size_t>(known - table_.sets.begin());
    if (known == table_.sets.end()) table_.sets.push_back(set);
    table_.addresses.push_back({.bytes = address.bytes, .version = address.version, .set = place});
    return *this;
  }
  const ShareTable& table() const { return table_; }

 private:
  ShareTable table_;
};

}  // namespace portier::nic
