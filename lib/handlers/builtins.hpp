/// The handlers that come with the router: one factory each, and what the reference says about it;
/// `Registry::with_builtins` gives them their names.
#pragma once

#include <memory>

#include "datapath/handler.hpp"
#include "handlers/registry.hpp"

namespace portier::handlers {

/// Takes every packet and does nothing with it: the service's counters are the result.
std::unique_ptr<datapath::Handler> make_count(const datapath::HandlerContext& context);
extern const TargetText count_text;

/// Sends UDP and UDP-Lite datagrams back; every other flow is refused as a closed port would refuse it.
std::unique_ptr<datapath::Handler> make_echo(const datapath::HandlerContext& context);
extern const TargetText echo_text;

/// Refuses every packet as `service_drop`, silently.
std::unique_ptr<datapath::Handler> make_drop(const datapath::HandlerContext& context);
extern const TargetText drop_text;

/// Refuses every packet as `service_reject`, and says so to the sender, at most `rate_pps` times a second and worker.
std::unique_ptr<datapath::Handler> make_reject(const datapath::HandlerContext& context);
extern const TargetText reject_text;

/// A shared object takes the packets: portier_plugin.h is what it and the router know of each other.
std::unique_ptr<datapath::Handler> make_plugin(const datapath::HandlerContext& context);
extern const TargetText plugin_text;

/// ARP, neighbour discovery and ping for the addresses of the device that a packet came in by.
std::unique_ptr<datapath::Handler> make_answer(const datapath::HandlerContext& context);

}  // namespace portier::handlers
