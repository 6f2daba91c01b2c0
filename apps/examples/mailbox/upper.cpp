// A UDP service in a process of its own: sends every datagram back in capitals. Needs no root and no DPDK.
//
//   ./upper [MAILBOX [SOCKET]]        with a router whose service says deliver = { mailbox = "upper" }
#include <portier_client.hpp>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <vector>

namespace {

volatile std::sig_atomic_t is_ending = 0;
void end(int) { is_ending = 1; }

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, end);
  std::signal(SIGTERM, end);
  try {
    portier::Mailbox mailbox(argc > 1 ? argv[1] : "upper", argc > 2 ? argv[2] : "");
    std::vector<std::uint8_t> answer;
    // Sleeps while there is nothing to do; false: the router is gone.
    while (!is_ending && mailbox.wait(1000)) {
      for (auto burst = mailbox.receive(); !burst.empty(); burst = mailbox.receive()) {
        for (const auto& packet : burst) {
          const auto payload = portier::Mailbox::payload(packet);
          answer.resize(payload.size());
          std::ranges::transform(payload, answer.begin(),
                                 [](std::uint8_t c) { return static_cast<std::uint8_t>(std::toupper(c)); });
          mailbox.reply(packet, answer);
        }
      }
    }
    const auto total = mailbox.statistics();
    std::fprintf(stderr, "upper: %llu received, %llu sent\n", static_cast<unsigned long long>(total.received),
                 static_cast<unsigned long long>(total.sent));
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "upper: %s\n", fault.what());
    return 1;
  }
}
