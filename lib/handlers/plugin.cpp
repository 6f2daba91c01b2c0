/// `plugin`: a shared object with the C interface of portier_plugin.h takes the packets.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <vector>

#include "crosscore/slot.hpp"
#include "handlers/builtins.hpp"
#include "handlers/options.hpp"
#include "handlers/portier_plugin.h"
#include "packet/reply.hpp"

namespace portier::handlers {
namespace {

namespace wire = packet::wire;
using Interface = struct ::portier_plugin;  // a function has this name, too

constexpr std::string_view own_option = "plugin";
constexpr std::string_view passed_on = "options.";

std::invalid_argument refusal(const std::string& path, const std::string& sentence) {
  return std::invalid_argument("plug-in \"" + path + "\" " + sentence);
}

struct CloseObject {
  void operator()(void* object) const { dlclose(object); }
};
using Object = std::unique_ptr<void, CloseObject>;

/// The loader knows its objects by path and counts who has opened them: all states of a plug-in share one.
Object open_object(const std::string& path) {
  std::error_code fault;
  const auto real = std::filesystem::canonical(path, fault);
  if (fault) throw refusal(path, "cannot be found: " + fault.message());
  if (!std::filesystem::is_regular_file(real, fault)) throw refusal(path, "is not a file");
  Object object(dlopen(real.c_str(), RTLD_NOW | RTLD_LOCAL));
  if (object == nullptr) throw refusal(path, std::string("cannot be loaded: ") + dlerror());
  return object;
}

const Interface& interface_of(void* object, const std::string& path) {
  auto* const entry = reinterpret_cast<decltype(&::portier_plugin)>(dlsym(object, "portier_plugin"));
  if (entry == nullptr) throw refusal(path, "does not export the function portier_plugin; see portier_plugin.h");
  const auto* const made = entry();
  if (made == nullptr) throw refusal(path, "says nothing about itself: portier_plugin() returned NULL");
  if (made->abi != PORTIER_PLUGIN_ABI) {
    throw refusal(path, "was built for version " + std::to_string(made->abi) +
                            " of the plug-in interface, and this portier has version " +
                            std::to_string(PORTIER_PLUGIN_ABI) +
                            "; build it anew with this portier's portier_plugin.h");
  }
  if (made->size != sizeof(Interface)) {
    throw refusal(path, "has a struct portier_plugin of " + std::to_string(made->size) + " bytes, not " +
                            std::to_string(sizeof(Interface)) + "; build it anew with portier_plugin.h");
  }
  if (made->on_burst == nullptr || made->name == nullptr) throw refusal(path, "lacks a name or on_burst");
  return *made;
}

/// What the plug-in wrote, as part of a line.
std::string sentence_of(const char* error) {
  std::string sentence(error);
  std::ranges::replace_if(
      sentence, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return sentence.empty() ? "gave no reason" : sentence;
}

class Plugin final : public datapath::Handler {
 public:
  Plugin(const datapath::HandlerContext& context, const std::string& path)
      : object_(open_object(path)), interface_(interface_of(object_.get(), path)), asked_(crosscore::max_frame_bytes) {
    if (interface_.init != nullptr) init(context, path);
  }
  ~Plugin() override {
    if (interface_.close == nullptr) return;
    try {
      interface_.close(state_);
    } catch (...) {  // there is nobody left to tell
    }
  }

  void on_burst(datapath::Burst& burst) override {
    std::size_t count = 0;
    for (const auto& view : burst) {
      packets_[count] = describe(view);
      packets_[count].age_ns = burst.age_ns(count);
      count += 1;
    }
    Call call{burst, *this};
    const portier_plugin_burst shown{packets_.data(), count, &calls, &call};
    interface_.on_burst(state_, &shown);
  }

 private:
  struct Call {
    datapath::Burst& burst;
    Plugin& plugin;
  };
  static Call& call_of(const portier_plugin_burst* shown) { return *static_cast<Call*>(shown->router); }

  void init(const datapath::HandlerContext& context, const std::string& path) {
    std::vector<portier_plugin_option> options;
    for (const auto& [key, value] : context.options) {
      if (key.starts_with(passed_on)) options.push_back({key.c_str() + passed_on.size(), value.c_str()});
    }
    std::array<char, 512> error{};
    const portier_plugin_setup setup{.service = context.service.c_str(),
                                     .options = options.data(),
                                     .option_count = options.size(),
                                     .worker = context.worker,
                                     .is_trial = context.is_trial ? 1U : 0U,
                                     .error = error.data(),
                                     .error_size = error.size()};
    try {
      state_ = interface_.init(&setup);
    } catch (...) {
      throw refusal(path, "threw an exception in init");
    }
    error.back() = '\0';
    if (state_ == nullptr) throw refusal(path, "refuses to start: " + sentence_of(error.data()));
  }

  static portier_plugin_packet describe(const datapath::PacketView& view) {
    const auto payload = view.payload();
    unsigned flags = view.is_icmp_error() ? PORTIER_PLUGIN_ICMP_ERROR : 0;
    if (view.fragment() == packet::Fragment::first) flags |= PORTIER_PLUGIN_FIRST_FRAGMENT;
    if (view.fragment() == packet::Fragment::later) flags |= PORTIER_PLUGIN_LATER_FRAGMENT;
    return {.frame = view.frame().data(),
            .payload = payload.empty() ? view.frame().data() : payload.data(),
            .age_ns = 0,
            .length = static_cast<std::uint32_t>(view.frame().size()),
            .payload_length = static_cast<std::uint32_t>(payload.size()),
            .flow_hash = view.flow_hash(),
            .l3_offset = view.l3_offset(),
            .l4_offset = view.l4_offset(),
            .ip_version = view.ip_version(),
            .proto = view.proto(),
            .device = view.device(),
            .flags = static_cast<std::uint8_t>(flags)};
  }

  /// The echo of a request that would have had this payload.
  bool answer(datapath::Burst& burst, std::size_t i, packet::Bytes payload) {
    const auto view = burst[i];
    const auto layout = view.layout();
    const bool is_lite = layout.proto == wire::proto_udplite;
    if (layout.ip_version == 0 || view.is_icmp_error() || layout.fragment != packet::Fragment::none) return false;
    if (layout.proto != wire::proto_udp && !is_lite) return false;
    const std::size_t headers = layout.l4_offset + wire::udp_size;
    const std::size_t length = headers + payload.size();
    if (view.frame().size() < headers || payload.size() > asked_.size() || length > asked_.size()) return false;
    std::memcpy(asked_.data(), view.frame().data(), headers);
    if (!payload.empty()) std::memcpy(asked_.data() + headers, payload.data(), payload.size());
    // IPv4 counts from its header on, IPv6 from behind it; UDP from its own header.
    const bool is_ipv4 = layout.ip_version == 4;
    const std::size_t l3 = layout.l3_offset + (is_ipv4 ? 0 : wire::ipv6_size);
    packet::store16(&asked_[layout.l3_offset + (is_ipv4 ? 2U : 4U)], static_cast<std::uint16_t>(length - l3));
    if (!is_lite) {
      packet::store16(&asked_[layout.l4_offset + 4U], static_cast<std::uint16_t>(length - layout.l4_offset));
    }
    const auto out = burst.reply(i, length);
    if (out.empty()) return false;
    const auto written = packet::write_udp_echo(out, {asked_.data(), length}, layout);
    written == 0 ? burst.cancel() : burst.trim(written);
    return written != 0;
  }

  static int call_answer(const portier_plugin_burst* shown, std::size_t i, const void* payload, std::size_t length) {
    if (i >= shown->count || (payload == nullptr && length != 0)) return 0;
    auto& call = call_of(shown);
    return call.plugin.answer(call.burst, i, {static_cast<const std::uint8_t*>(payload), length}) ? 1 : 0;
  }
  static std::uint8_t* call_reply(const portier_plugin_burst* shown, std::size_t i, std::size_t length) {
    if (i >= shown->count) return nullptr;
    const auto out = call_of(shown).burst.reply(i, length);
    return out.empty() ? nullptr : out.data();
  }
  static void call_trim(const portier_plugin_burst* shown, std::size_t length) { call_of(shown).burst.trim(length); }
  static void call_cancel(const portier_plugin_burst* shown) { call_of(shown).burst.cancel(); }
  static void call_refuse(const portier_plugin_burst* shown, std::size_t i) {
    if (i < shown->count) call_of(shown).burst.refuse(i, packet::Reason::plugin_refused);
  }
  static constexpr portier_plugin_calls calls{
      .answer = call_answer, .reply = call_reply, .trim = call_trim, .cancel = call_cancel, .refuse = call_refuse};

  Object object_;
  const Interface& interface_;
  void* state_ = nullptr;
  std::array<portier_plugin_packet, datapath::Burst::max_packets> packets_;
  std::vector<std::uint8_t> asked_;  ///< room for `answer`
};

constexpr std::array options{
    OptionText{"plugin", "a path, from the configuration's folder on", "required",
               "The shared object. It is loaded by this path alone and never searched for."},
    OptionText{"options", "a table of texts, numbers, true and false", "none",
               "What the plug-in's `init` is told; only the plug-in knows what it takes."},
};

}  // namespace

constexpr TargetText plugin_text{.written = "{ plugin = \"libfoo.so\", options = {...} }",
                                 .sentence = "a shared object with the C interface of `portier_plugin.h` takes them",
                                 .options = options};

std::unique_ptr<datapath::Handler> make_plugin(const datapath::HandlerContext& context) {
  for (const auto& [key, value] : context.options) {
    if (key == own_option || key.starts_with(passed_on)) continue;
    throw std::invalid_argument("a plug-in has no option \"" + key +
                                "\"; what is meant for the plug-in itself belongs in options = {...}");
  }
  return std::make_unique<Plugin>(context, path_option(context, "plugin", std::string(own_option)));
}

}  // namespace portier::handlers
