/// `reject`: every packet refused, and as many senders told as the budget allows.
#include <array>

#include "handlers/builtins.hpp"
#include "handlers/options.hpp"
#include "packet/reply.hpp"
#include "table/token_bucket.hpp"

namespace portier::handlers {
namespace {

constexpr std::uint64_t default_rate_pps = 1000;
constexpr std::uint64_t max_rate_pps = 100'000'000;

class Reject final : public datapath::Handler {
 public:
  /// A second's answers may come at once: scans and restarts of clients are bursts.
  Reject(std::uint64_t rate_pps, std::uint64_t tsc_hz) : budget_(rate_pps, rate_pps, tsc_hz) {}

  void on_burst(datapath::Burst& burst) override {
    for (std::size_t i = 0; i < burst.size(); ++i) {
      burst.refuse(i, packet::Reason::service_reject);
      if (budget_.is_ready(burst.now_tsc())) answer(burst, i);
    }
  }

 private:
  /// Packets that must not be answered cost no token, or one broadcast storm would silence the answers to everyone.
  void answer(datapath::Burst& burst, std::size_t i) {
    const auto frame = burst[i].frame();
    const auto out = burst.reply(i, packet::max_reject_bytes(frame.size()));
    if (out.empty()) return;
    const auto length = packet::write_reject(out, frame, burst[i].layout());
    if (length == 0) return burst.cancel();
    burst.trim(length);
    budget_.take(burst.now_tsc());
  }

  table::TokenBucket budget_;
};

constexpr std::array options{
    OptionText{"rate_pps", "a whole number from 0 to 100000000", "1000", "Answers a second, on each worker; 0: none."}};

}  // namespace

constexpr TargetText reject_text{
    .written = "{ handler = \"reject\", rate_pps = 100 }",
    .sentence =
        "answers with a port unreachable or a reset, within `rate_pps`; each packet is dropped as `service_reject`",
    .options = options};

std::unique_ptr<datapath::Handler> make_reject(const datapath::HandlerContext& context) {
  refuse_unknown_options(context, "reject", {"rate_pps"});
  const auto rate_pps = number_option(context, "reject", "rate_pps", default_rate_pps, max_rate_pps);
  return std::make_unique<Reject>(rate_pps, static_cast<std::uint64_t>(context.tsc_hz));
}

}  // namespace portier::handlers
