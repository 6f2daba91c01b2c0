/// `echo`: RFC 862 for UDP and UDP-Lite, in one turn and without state.
#include "handlers/builtins.hpp"
#include "handlers/options.hpp"
#include "packet/reply.hpp"

namespace portier::handlers {
namespace {

namespace wire = packet::wire;

class Echo final : public datapath::Handler {
 public:
  void on_burst(datapath::Burst& burst) override {
    for (std::size_t i = 0; i < burst.size(); ++i) {
      // Errors and parts of datagrams are taken without an answer; a first fragment holds no whole payload to send
      // back.
      const auto& packet = burst[i];
      if (packet.is_icmp_error() || packet.fragment() != packet::Fragment::none) continue;
      const bool has_echo = packet.proto() == wire::proto_udp || packet.proto() == wire::proto_udplite;
      if (has_echo) {
        echo(burst, i);
      } else {
        reject(burst, i);
      }
    }
  }

 private:
  static void echo(datapath::Burst& burst, std::size_t i) {
    const auto frame = burst[i].frame();
    const auto out = burst.reply(i, frame.size());
    if (!out.empty()) settle(burst, packet::write_udp_echo(out, frame, burst[i].layout()));
  }

  /// TCP, SCTP and DCCP would need connections: their senders learn at once that there is nobody to talk to.
  static void reject(datapath::Burst& burst, std::size_t i) {
    const auto frame = burst[i].frame();
    const auto out = burst.reply(i, packet::max_reject_bytes(frame.size()));
    if (!out.empty()) settle(burst, packet::write_reject(out, frame, burst[i].layout()));
  }

  static void settle(datapath::Burst& burst, std::size_t length) {
    if (length == 0) {
      burst.cancel();
    } else {
      burst.trim(length);
    }
  }
};

}  // namespace

constexpr TargetText echo_text{
    .written = "\"echo\"",
    .sentence = "sends UDP payloads back, addresses and ports swapped; refuses TCP with a reset"};

std::unique_ptr<datapath::Handler> make_echo(const datapath::HandlerContext& context) {
  refuse_unknown_options(context, "echo", {});
  return std::make_unique<Echo>();
}

}  // namespace portier::handlers
