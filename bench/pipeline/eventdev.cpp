/// An event device in software: an atomic queue, flow id our flow hash, one worker that frees and does not look at the
/// packets. event_dsw schedules on the cores that use it, event_sw by a service that the rx core runs.
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eventdev.h>
#include <rte_pause.h>
#include <rte_service.h>
#include <rte_service_component.h>

#include <optional>

#include "mbuf_peer.hpp"
#include "nic/eal.hpp"
#include "nic/failure.hpp"
#include "nic/output_aside.hpp"

namespace portier::bench {

namespace {

constexpr std::uint8_t rx_port = 0;
constexpr std::uint8_t worker_port = 1;
constexpr std::uint8_t queue = 0;
constexpr int events_in_flight = 4096;

class EventDevice final : public MbufPeer {
 public:
  EventDevice(const Match& match, std::string name) : MbufPeer(match), name_(std::move(name)) {
    const nic::OutputAside aside(2);
    check(rte_eal_hotplug_add("vdev", name_.c_str(), ""), "opening it");
    const int id = rte_event_dev_get_dev_id(name_.c_str());
    check(id, "finding it");
    id_ = static_cast<std::uint8_t>(id);
    configure();
  }
  ~EventDevice() override {
    rte_event_dev_close(id_);
    rte_eal_hotplug_remove("vdev", name_.c_str());
  }

  void start() override {
    const nic::OutputAside aside(2);
    check(rte_event_dev_start(id_), "starting it");
    MbufPeer::start();
  }
  Tally stop() override {
    auto tally = MbufPeer::stop();
    rte_event_dev_stop(id_);
    return tally;
  }

 private:
  void check(int error, const char* what) const {
    if (error >= 0) return;
    const auto detail = nic::first_dpdk_error();
    throw nic::Failure(name_ + ": " + what + " failed: " + (detail.empty() ? rte_strerror(-error) : detail));
  }

  void configure() {
    rte_event_dev_info info{};
    check(rte_event_dev_info_get(id_, &info), "asking it");
    rte_event_dev_config config{};
    config.nb_event_queues = 1;
    config.nb_event_ports = 2;
    config.nb_events_limit = std::min(info.max_num_events, events_in_flight);
    config.nb_event_queue_flows = std::min<std::uint32_t>(info.max_event_queue_flows, 1024);
    config.nb_event_port_dequeue_depth = std::min<std::uint32_t>(info.max_event_port_dequeue_depth, 32);
    config.nb_event_port_enqueue_depth = std::min<std::uint32_t>(info.max_event_port_enqueue_depth, 64);
    config.dequeue_timeout_ns = info.min_dequeue_timeout_ns;
    check(rte_event_dev_configure(id_, &config), "configuring it");
    rte_event_queue_conf of_queue{};
    of_queue.nb_atomic_flows = config.nb_event_queue_flows;
    of_queue.nb_atomic_order_sequences = config.nb_event_queue_flows;
    of_queue.schedule_type = RTE_SCHED_TYPE_ATOMIC;
    of_queue.priority = RTE_EVENT_DEV_PRIORITY_NORMAL;
    check(rte_event_queue_setup(id_, queue, &of_queue), "setting up its queue");
    rte_event_port_conf of_port{};
    of_port.new_event_threshold = config.nb_events_limit;
    of_port.dequeue_depth = static_cast<std::uint16_t>(config.nb_event_port_dequeue_depth);
    of_port.enqueue_depth = static_cast<std::uint16_t>(config.nb_event_port_enqueue_depth);
    for (const auto port : {rx_port, worker_port})
      check(rte_event_port_setup(id_, port, &of_port), "setting up a port");
    if (rte_event_port_link(id_, worker_port, &queue, nullptr, 1) != 1) check(-rte_errno, "linking its queue");
    std::uint32_t service = 0;
    if (rte_event_dev_service_id_get(id_, &service) == 0) {
      rte_service_component_runstate_set(service, 1);
      rte_service_runstate_set(service, 1);
      rte_service_set_runstate_mapped_check(service, 0);
      service_ = service;
    }
  }

  void schedule() {
    if (service_) rte_service_run_iter_on_app_lcore(*service_, 0);
  }

  void receive() override {
    std::array<rte_mbuf*, 64> mbufs;
    std::array<rte_event, 64> events{};
    std::uint64_t sent = 0;
    const auto delivered_before = delivered_.value();
    while (is_receiving()) {
      const auto count = take_in(mbufs);
      for (unsigned i = 0; i < count; ++i) {
        events[i].event = 0;
        events[i].flow_id = (mbufs[i]->hash.usr >> 17) & 0x7fff;  // all 32,768 that dsw tells apart
        events[i].op = RTE_EVENT_OP_NEW;
        events[i].sched_type = RTE_SCHED_TYPE_ATOMIC;
        events[i].queue_id = queue;
        events[i].event_type = RTE_EVENT_TYPE_CPU;
        events[i].priority = RTE_EVENT_DEV_PRIORITY_NORMAL;
        events[i].mbuf = mbufs[i];
      }
      for (std::uint16_t done = 0; done < count;) {
        const auto left = static_cast<std::uint16_t>(count - done);
        done = static_cast<std::uint16_t>(done + rte_event_enqueue_new_burst(id_, rx_port, events.data() + done, left));
        schedule();
        if (done < count) rte_pause();
      }
      sent += count;
    }
    // Events may stay in the port's and the scheduler's buffers until somebody calls again.
    while (delivered_.value() - delivered_before != sent) {
      schedule();
      rte_event_enqueue_new_burst(id_, rx_port, nullptr, 0);  // makes dsw send what its port holds back
    }
  }

  void work() override {
    std::array<rte_event, 32> events;
    std::array<rte_mbuf*, 32> mbufs;
    for (;;) {
      const bool is_last = is_draining();
      const auto count = rte_event_dequeue_burst(id_, worker_port, events.data(), events.size(), 0);
      if (count == 0) {
        if (is_last) return;
        rte_pause();
        continue;
      }
      for (unsigned i = 0; i < count; ++i) mbufs[i] = events[i].mbuf;
      rte_pktmbuf_free_bulk(mbufs.data(), count);
      delivered_.add(count);
    }
  }

  std::string name_;
  std::uint8_t id_ = 0;
  std::optional<std::uint32_t> service_;  ///< of a device that wants a core to schedule on
};

}  // namespace

std::unique_ptr<Contender> make_eventdev(const Match& match, const std::string& driver) {
  return std::make_unique<EventDevice>(match, driver + std::to_string(match.source.queue().port));
}

}  // namespace portier::bench
