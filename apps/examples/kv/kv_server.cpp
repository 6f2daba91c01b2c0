/// An application on portier's library: a key-value store over UDP. "SET key value" is answered with "OK", "GET key"
/// with "VALUE value" or "NONE".
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "control/run_loop.hpp"
#include "datapath/handler.hpp"
#include "handlers/options.hpp"
#include "handlers/registry.hpp"
#include "kv_client.hpp"
#include "packet/reply.hpp"

namespace {

using namespace portier;

/// The text up to the next blank, taken off the front of `rest`.
std::string_view next_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const auto word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

/// One object per worker: no other thread touches its keys, so there is nothing to lock.
class KeyValueStore final : public datapath::Handler {
 public:
  explicit KeyValueStore(const datapath::HandlerContext& context)
      : max_keys_(handlers::number_option(context, "kv", "max_keys", 10'000, 10'000'000)) {
    handlers::refuse_unknown_options(context, "kv", {"max_keys"});
  }

  void on_burst(datapath::Burst& burst) override {
    for (std::size_t i = 0; i < burst.size(); ++i) {
      const auto& packet = burst[i];
      // An error about one of our answers and a part of a datagram are nothing to answer; they count as delivered.
      if (packet.is_icmp_error() || packet.fragment() != packet::Fragment::none) continue;
      const auto payload = packet.payload();
      answer(burst, i, answer_to({reinterpret_cast<const char*>(payload.data()), payload.size()}));
    }
  }

 private:
  std::string answer_to(std::string_view request) {
    if (request.ends_with('\n')) request.remove_suffix(1);
    const auto verb = next_word(request);
    const auto key = next_word(request);
    if (verb == "GET" && !key.empty()) {
      const auto found = values_.find(key);
      return found == values_.end() ? "NONE" : "VALUE " + found->second;
    }
    if (verb != "SET" || key.empty()) return "ERROR write SET key value, or GET key";
    if (const auto found = values_.find(key); found != values_.end()) {
      found->second = request;
    } else if (values_.size() < max_keys_) {
      values_.emplace(key, request);
    } else {
      return "FULL";
    }
    return "OK";
  }

  /// Sends `text` to where packet `i` came from: the echo of a request that would have had this text.
  void answer(datapath::Burst& burst, std::size_t i, std::string_view text) {
    const auto frame = burst[i].frame();
    const auto layout = burst[i].layout();
    const std::size_t headers = layout.l4_offset + packet::wire::udp_size;
    asked_.assign(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(headers));
    asked_.insert(asked_.end(), text.begin(), text.end());
    // IPv4 counts from its header on, IPv6 from behind it; UDP from its own header.
    const std::size_t l3 = layout.l3_offset + (layout.ip_version == 4 ? 0 : packet::wire::ipv6_size);
    packet::store16(&asked_[layout.l3_offset + (layout.ip_version == 4 ? 2U : 4U)],
                    static_cast<std::uint16_t>(asked_.size() - l3));
    packet::store16(&asked_[layout.l4_offset + 4U], static_cast<std::uint16_t>(asked_.size() - layout.l4_offset));
    const auto out = burst.reply(i, asked_.size());
    if (out.empty()) return;
    // 0: portier's rules forbid an answer, say to a broadcast.
    const auto length = packet::write_udp_echo(out, asked_, layout);
    length == 0 ? burst.cancel() : burst.trim(length);
  }

  std::size_t max_keys_;
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::uint8_t> asked_;
};

}  // namespace

int main(int argc, char** argv) {
  control::RunOptions options;
  options.program = "kv_server";
  for (int option; (option = getopt(argc, argv, "c:s:j")) != -1;) {
    if (option == 'c') options.config.file = optarg;
    if (option == 's') options.seconds = std::atof(optarg);
    if (option == 'j') options.json = true;
  }
  if (options.config.file.empty() || optind != argc) {
    std::fprintf(stderr, "usage: kv_server -c FILE [-s SECONDS] [-j]\n");
    return control::run_bad_config;
  }
  auto registry = handlers::Registry::with_builtins();
  registry.add("kv", [](const auto& context) { return std::make_unique<KeyValueStore>(context); });
  return control::run_router(options, registry,
                             [](const control::FarEnd& to) { return std::make_unique<kv::Client>(to); });
}
