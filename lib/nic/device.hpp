/// A device: one or more ethdevs that act as one NIC, with its queues, opened, started and closed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nic/pool.hpp"
#include "nic/xdp/share_filter.hpp"

namespace portier::nic {

class OutputAside;

/// One queue of one ethdev.
struct Queue {
  std::uint16_t port = 0;
  std::uint16_t queue = 0;
};

/// An interface that stays with the kernel but for the ports that `Device::share` names.
struct ShareSpec {
  std::string interface;
  ShareLimits limits;
};

/// What to open. Filled by control from the settings and the driver profile; reads no files itself.
struct DeviceSpec {
  std::string name;  ///< as in the configuration, for messages
  /// EAL device strings, one per ethdev: "0000:3b:00.0", or "net_af_packet0,iface=eth1,qpairs=2".
  std::vector<std::string> eal_devices;
  unsigned rx_queues = 1;            ///< wanted; all of them must be polled
  bool must_have_rx_queues = false;  ///< fewer are a failure instead of being made do with
  unsigned tx_queues = 1;            ///< wanted; fewer may come
  unsigned rx_descriptors = 1024;
  unsigned tx_descriptors = 1024;
  unsigned mbufs_per_queue = 4096;
  bool promiscuous = false;
  bool rss = true;
  MbufLayout mbuf_layout = MbufLayout::packed;
  bool keeps_mbufs = false;  ///< the driver does not give all receive mbufs back when it is closed
  std::optional<ShareSpec> share;
};

struct DeviceCounters {
  std::uint64_t received = 0;
  std::uint64_t missed = 0;  ///< as far as the driver counts them
  std::uint64_t no_mbuf = 0;
  std::uint64_t sent = 0;
};

class Device {
 public:
  /// Probes, configures and starts. Throws `Failure`; then nothing is left behind.
  explicit Device(const DeviceSpec& spec);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const std::string& name() const { return name_; }
  const std::vector<Queue>& rx_queues() const { return rx_queues_; }
  const std::vector<Queue>& tx_queues() const { return tx_queues_; }
  std::array<std::uint8_t, 6> mac() const;
  DeviceCounters counters() const;
  /// As far as the driver knows, without waiting for it.
  bool is_link_up() const;
  const Pool& pool() const { return *pool_; }

  /// Packets that a receive queue may hold.
  unsigned rx_descriptors() const { return rx_descriptors_; }

  bool is_shared() const { return filter_ != nullptr; }
  /// Of a shared device: what comes to us from now on; nothing before the first call. Throws `Failure`.
  void share(const ShareTable& table) { filter_->apply(table); }
  /// What an operator should know about the device as it was found, a sentence each.
  const std::vector<std::string>& notes() const { return notes_; }

  /// False: some of the pool's mbufs go down with the driver, so a census cannot say anything about it.
  bool returns_mbufs() const { return returns_mbufs_; }

  /// Stops and closes the ethdevs, which gives their mbufs back; the pool stays for the census.
  void close();

 private:
  void probe(const std::string& eal_device, const OutputAside& aside);
  void configure(std::uint16_t port, const DeviceSpec& spec, unsigned rx_wanted, unsigned tx_wanted,
                 const OutputAside& aside);

  std::string name_;
  bool returns_mbufs_;
  std::unique_ptr<ShareFilter> filter_;  ///< attached before the sockets that join it, gone after them
  std::unique_ptr<Pool> pool_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::string> hotplugged_;  ///< vdev names to remove again
  std::vector<Queue> rx_queues_;
  std::vector<Queue> tx_queues_;
  unsigned rx_descriptors_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace portier::nic
