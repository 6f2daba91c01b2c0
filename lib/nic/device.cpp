/// ethdev set-up in the order DPDK wants it, each refusal as a sentence.
#include "nic/device.hpp"

#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "nic/eal.hpp"
#include "nic/failure.hpp"
#include "nic/output_aside.hpp"

namespace portier::nic {

namespace {

std::string reason(int error, const OutputAside& aside) {
  const auto dpdk_detail = first_dpdk_error();
  const auto detail = dpdk_detail.empty() ? aside.last_line() : dpdk_detail;
  std::string text = rte_strerror(error < 0 ? -error : error);
  return detail.empty() ? text : text + "; the driver says: " + detail;
}

bool is_pci(const std::string& eal_device) { return eal_device.find(':') < eal_device.find(','); }

/// The value of an argument of a virtual device: "eth1" of "net_af_packet0,iface=eth1,qpairs=2".
std::string argument_of(const std::string& eal_device, const std::string& key) {
  const auto at = eal_device.find("," + key + "=");
  if (at == std::string::npos) return {};
  const auto start = at + key.size() + 2;
  return eal_device.substr(start, eal_device.find(',', start) - start);
}

/// What is wrong, as far as it can be seen from here, and what to do.
std::string diagnosis(const std::string& eal_device, const std::string& refusal) {
  if (is_pci(eal_device)) {
    return refusal + ": check the address with dpdk-devbind.py --status and bind it to vfio-pci";
  }
  const auto interface = argument_of(eal_device, "iface");
  if (!interface.empty() && if_nametoindex(interface.c_str()) == 0) {
    return "interface '" + interface + "' does not exist: `ip link` lists those that do";
  }
  if (!interface.empty() && geteuid() != 0) {
    return refusal + ": root, or CAP_NET_RAW and CAP_NET_ADMIN (AF_XDP: see the driver's file), is needed";
  }
  const auto capture = argument_of(eal_device, "rx_pcap");
  if (!capture.empty() && access(capture.c_str(), R_OK) != 0) {
    return "file '" + capture + "' cannot be read (" + std::strerror(errno) + "): correct rx_pcap=";
  }
  return refusal + ": correct the device's arguments; the DPDK guide of the driver lists them";
}

}  // namespace

Device::Device(const DeviceSpec& spec) : name_(spec.name), returns_mbufs_(!spec.keeps_mbufs) {
  setenv("LIBXDP_SKIP_DISPATCHER", "1", /*overwrite=*/0);  // one XDP program an interface: portier's
  try {
    if (spec.share) {
      filter_ = std::make_unique<ShareFilter>(spec.share->limits);
      filter_->attach(spec.share->interface);
    }
    const OutputAside aside(2);
    for (const auto& eal_device : spec.eal_devices) probe(eal_device, aside);
    const auto per_port = static_cast<unsigned>(ports_.size());
    const unsigned rx_each = std::max(1U, spec.rx_queues / per_port);
    const unsigned tx_each = std::max(1U, spec.tx_queues / per_port);
    pool_ = std::make_unique<Pool>("rx_" + spec.name, spec.mbufs_per_queue * rx_each * per_port, receive_room_bytes,
                                   spec.mbuf_layout);
    for (auto port : ports_) configure(port, spec, rx_each, tx_each, aside);
    if (spec.share) {
      if (auto note = unread_queues(spec.share->interface, rx_queues_.size()); !note.empty()) notes_.push_back(note);
    }
  } catch (...) {
    close();
    throw;
  }
}

Device::~Device() { close(); }

void Device::probe(const std::string& eal_device, const OutputAside& aside) {
  const auto comma = eal_device.find(',');
  const std::string name = eal_device.substr(0, comma);
  std::uint16_t port = 0;
  const bool exists = rte_eth_dev_get_port_by_name(name.c_str(), &port) == 0;  // PCI, or made from rings
  if (!exists && !is_pci(eal_device)) {
    const std::string args = comma == std::string::npos ? "" : eal_device.substr(comma + 1);
    const int error = rte_eal_hotplug_add("vdev", name.c_str(), args.c_str());
    if (error != 0) {
      throw Failure("device '" + name_ + "' (" + eal_device +
                    ") cannot be opened: " + diagnosis(eal_device, reason(error, aside)));
    }
  }
  if (!exists && rte_eth_dev_get_port_by_name(name.c_str(), &port) != 0) {
    throw Failure("device '" + name_ + "' (" + eal_device +
                  ") cannot be opened: " + diagnosis(eal_device, "DPDK does not know it"));
  }
  if (!is_pci(eal_device)) hotplugged_.push_back(name);
  ports_.push_back(port);
}

void Device::configure(std::uint16_t port, const DeviceSpec& spec, unsigned rx_wanted, unsigned tx_wanted,
                       const OutputAside& aside) {
  rte_eth_dev_info info{};
  rte_eth_dev_info_get(port, &info);
  const auto rx = static_cast<std::uint16_t>(std::min<unsigned>(rx_wanted, info.max_rx_queues));
  const auto tx = static_cast<std::uint16_t>(std::min<unsigned>(tx_wanted, std::max<unsigned>(1, info.max_tx_queues)));
  if (rx < rx_wanted && spec.must_have_rx_queues) {
    throw Failure("device '" + name_ + "' has " + std::to_string(info.max_rx_queues) + " receive queue(s), " +
                  std::to_string(rx_wanted) + " asked for: lower rx_queues or the number of rx cores");
  }
  rte_eth_conf conf{};
  if (spec.rss && rx > 1 && info.flow_type_rss_offloads != 0) {
    conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf.rx_adv_conf.rss_conf.rss_hf =
        info.flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_SCTP);
  }
  conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
  conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  auto check = [&](int error, const char* what) {
    if (error < 0) throw Failure("device '" + name_ + "': " + what + " failed: " + reason(error, aside));
  };
  check(rte_eth_dev_configure(port, rx, tx, &conf), "configuring");
  auto rx_descriptors = static_cast<std::uint16_t>(spec.rx_descriptors);
  auto tx_descriptors = static_cast<std::uint16_t>(spec.tx_descriptors);
  check(rte_eth_dev_adjust_nb_rx_tx_desc(port, &rx_descriptors, &tx_descriptors), "choosing descriptors");
  rx_descriptors_ = std::max<unsigned>(rx_descriptors_, rx_descriptors);
  for (std::uint16_t queue = 0; queue < rx; ++queue) {
    check(rte_eth_rx_queue_setup(port, queue, rx_descriptors, static_cast<unsigned>(rte_eth_dev_socket_id(port)),
                                 nullptr, pool_->get()),
          "setting up a receive queue");
    rx_queues_.push_back({port, queue});
  }
  for (std::uint16_t queue = 0; queue < tx; ++queue) {
    check(rte_eth_tx_queue_setup(port, queue, tx_descriptors, static_cast<unsigned>(rte_eth_dev_socket_id(port)),
                                 nullptr),
          "setting up a transmit queue");
    tx_queues_.push_back({port, queue});
  }
  check(rte_eth_dev_start(port), "starting");
  if (spec.promiscuous) rte_eth_promiscuous_enable(port);  // a driver without it receives everything anyway
}

std::array<std::uint8_t, 6> Device::mac() const {
  rte_ether_addr address{};
  rte_eth_macaddr_get(ports_.front(), &address);
  std::array<std::uint8_t, 6> mac{};
  std::memcpy(mac.data(), address.addr_bytes, mac.size());
  return mac;
}

DeviceCounters Device::counters() const {
  DeviceCounters sum;
  for (auto port : ports_) {
    rte_eth_stats stats{};
    if (rte_eth_stats_get(port, &stats) != 0) continue;
    sum.received += stats.ipackets;
    sum.missed += stats.imissed;
    sum.no_mbuf += stats.rx_nombuf;
    sum.sent += stats.opackets;
  }
  return sum;
}

bool Device::is_link_up() const {
  return std::ranges::all_of(ports_, [](auto port) {
    rte_eth_link link{};
    return rte_eth_link_get_nowait(port, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
  });
}

void Device::close() {
  if (ports_.empty() && hotplugged_.empty() && filter_ == nullptr) return;
  const OutputAside aside(2);
  for (auto port : ports_) {
    rte_eth_dev_stop(port);
    rte_eth_dev_close(port);
  }
  ports_.clear();
  for (const auto& name : hotplugged_) rte_eal_hotplug_remove("vdev", name.c_str());
  hotplugged_.clear();
  filter_.reset();
}

}  // namespace portier::nic
