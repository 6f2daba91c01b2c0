/// `answer`: the house's own voice. ARP, neighbour discovery and ping, for our addresses on the device of arrival.
#include <algorithm>

#include "handlers/builtins.hpp"
#include "handlers/options.hpp"
#include "packet/reply.hpp"

namespace portier::handlers {
namespace {

using packet::Reason;
namespace wire = packet::wire;

class Answer final : public datapath::Handler {
 public:
  explicit Answer(const datapath::HandlerContext& context) : devices_(context.device_macs.size()) {
    for (std::size_t i = 0; i < devices_.size(); ++i) devices_[i].mac = context.device_macs[i];
    for (const auto& ours : context.addresses) {
      if (ours.device < devices_.size()) devices_[ours.device].addresses.push_back(ours.address);
    }
  }

  void on_burst(datapath::Burst& burst) override {
    for (std::size_t i = 0; i < burst.size(); ++i) {
      const auto reason = answer(burst, i);
      if (reason != Reason::none) burst.refuse(i, reason);
    }
  }

 private:
  struct Device {
    packet::MacAddress mac{};
    std::vector<packet::Address> addresses;

    bool has(const packet::Address& address) const {
      return address.version != 0 && std::find(addresses.begin(), addresses.end(), address) != addresses.end();
    }
  };

  /// `none` when the question was ours and sound, whether or not a buffer was free for the answer.
  Reason answer(datapath::Burst& burst, std::size_t i) const {
    const auto& packet = burst[i];
    const auto silence = packet.ip_version() == 0 ? Reason::not_ip : Reason::no_ports;
    if (packet.device() >= devices_.size()) return silence;
    const auto& device = devices_[packet.device()];
    if (packet.ip_version() == 0) return answer_arp(burst, i, device) ? Reason::none : silence;
    return answer_solicitation(burst, i, device) || answer_ping(burst, i, device) ? Reason::none : silence;
  }

  static bool answer_arp(datapath::Burst& burst, std::size_t i, const Device& device) {
    const auto frame = burst[i].frame();
    const auto layout = burst[i].layout();
    if (!device.has(packet::arp_target(frame, layout))) return false;
    const auto out = burst.reply(i, frame.size());
    if (!out.empty()) burst.trim(packet::write_arp_reply(out, frame, layout, device.mac));
    return true;
  }

  static bool answer_solicitation(datapath::Burst& burst, std::size_t i, const Device& device) {
    const auto frame = burst[i].frame();
    const auto layout = burst[i].layout();
    if (!device.has(packet::neighbor_target(frame, layout))) return false;
    const auto out = burst.reply(i, packet::neighbor_advertisement_bytes(layout));
    if (!out.empty()) burst.trim(packet::write_neighbor_advertisement(out, frame, layout, device.mac));
    return true;
  }

  /// The reply's length is known only when it is written: the checksum decides whether there is one.
  static bool answer_ping(datapath::Burst& burst, std::size_t i, const Device& device) {
    const auto& packet = burst[i];
    const auto request = packet.ip_version() == 4 ? wire::icmp_echo_request : wire::icmpv6_echo_request;
    const auto proto = packet.ip_version() == 4 ? wire::proto_icmp : wire::proto_icmpv6;
    const auto frame = packet.frame();
    if (packet.proto() != proto || frame.size() <= packet.l4_offset() || frame[packet.l4_offset()] != request) {
      return false;
    }
    if (packet.fragment() != packet::Fragment::none || !device.has(packet.flow_key().dst)) return false;
    const auto out = burst.reply(i, frame.size());
    if (out.empty()) return true;
    const auto length = packet::write_icmp_echo_reply(out, frame, packet.layout());
    if (length == 0) return burst.cancel(), false;
    burst.trim(length);
    return true;
  }

  std::vector<Device> devices_;
};

}  // namespace

std::unique_ptr<datapath::Handler> make_answer(const datapath::HandlerContext& context) {
  refuse_unknown_options(context, "answer", {});
  return std::make_unique<Answer>(context);
}

}  // namespace portier::handlers
