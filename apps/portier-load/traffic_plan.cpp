/// Draws the order, then makes a template for each combination that occurs.
#include "traffic_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "shares.hpp"

namespace portier::load {

namespace {

/// Multiples of 12, which IMIX divides into its shares without a rest.
constexpr std::size_t order_length = 65'520;
constexpr std::size_t short_order_length = 4'608;
constexpr std::uint64_t most_places = 16'777'216;  ///< flows of all services: 128 MiB of order memory

std::string refusal(const TrafficSettings& settings) {
  if (settings.services.empty()) return "there is no service to send to; name one with --services";
  if (settings.sizes.empty()) return "there is no frame size; name one with --size";
  if (settings.flows == 0) return "0 flows cannot carry anything; write 1 or more";
  if (settings.ipv6_share < 0 || settings.ipv6_share > 1) return "the IPv6 share must be between 0 and 1";
  if (settings.syn) {
    for (const auto& service : settings.services) {
      if (service.transport != packet::Transport::tcp) {
        return fmt::format("SYN packets are TCP; write tcp/... instead of {}", service.name);
      }
    }
  }
  const auto pairs = settings.sources.pairs();
  if (settings.flows > pairs) {
    return fmt::format("{} flows need more than the {} pairs of source address and port there are; widen --src",
                       settings.flows, pairs);
  }
  if (settings.churn_per_s > 0 && std::uint64_t{settings.flows} * 2 > pairs) {
    return fmt::format(
        "new flows need free pairs of source address and port: {} flows of {} pairs leave too few; "
        "widen --src or lower --flows",
        settings.flows, pairs);
  }
  if (std::uint64_t{settings.flows} * settings.services.size() > most_places) {
    return fmt::format("{} services with {} flows each are too many to keep apart; lower --flows to {}",
                       settings.services.size(), settings.flows, most_places / settings.services.size());
  }
  return {};
}

class Planner {
 public:
  explicit Planner(const TrafficSettings& settings) : settings_(settings) {}

  TrafficPlan make() {
    traffic::Random random(settings_.seed);
    std::vector<double> service_weights;
    std::vector<double> size_weights;
    for (const auto& service : settings_.services) service_weights.push_back(service.weight);
    for (const auto& size : settings_.sizes) size_weights.push_back(size.weight);
    const std::array version_weights{1 - settings_.ipv6_share, settings_.ipv6_share};

    const auto length = settings_.services.size() > 16 ? order_length : short_order_length;
    const auto services = shuffled_shares(service_weights, length, random);
    const auto sizes = shuffled_shares(size_weights, length, random);
    const auto versions = shuffled_shares(version_weights, length, random);
    plan_.services = settings_.services;
    double bytes = 0;
    for (std::size_t i = 0; i < length; ++i) {
      plan_.order.push_back(template_for(services[i], sizes[i], versions[i] != 0));
      bytes += plan_.templates[plan_.order.back()].length;
    }
    plan_.mean_bytes = bytes / static_cast<double>(length);
    for (const auto& frame : plan_.templates) {
      plan_.longest_bytes = std::max<std::size_t>(plan_.longest_bytes, frame.length);
      const std::size_t head = frame.mark_offset + (frame.kind == TemplateKind::marked ? mark_bytes : std::size_t{16});
      if (head > plan_.head_bytes) plan_.head_bytes = most_head_bytes;
    }
    return std::move(plan_);
  }

 private:
  std::uint32_t template_for(std::uint32_t service_index, std::uint32_t size_index, bool ipv6) {
    const auto& service = settings_.services[service_index];
    // A destination of its own decides the version.
    if (service.destination.version != 0) ipv6 = service.destination.version == 6;
    const auto key = std::tuple(service_index, size_index, ipv6);
    const auto [found, is_new] = made_.try_emplace(key, static_cast<std::uint32_t>(plan_.templates.size()));
    if (!is_new) return found->second;
    TemplateSpec spec;
    spec.kind = settings_.syn ? TemplateKind::syn : TemplateKind::marked;
    spec.transport = service.transport;
    spec.src = ipv6 ? settings_.sources.first6 : settings_.sources.first4;
    spec.dst = service.destination.version != 0 ? service.destination : ipv6 ? settings_.dst6 : settings_.dst4;
    spec.dst_port = service.first_port;
    spec.service = static_cast<std::uint16_t>(service_index);
    spec.frame_bytes = settings_.sizes[size_index].bytes;
    spec.src_mac = settings_.src_mac;
    spec.dst_mac = settings_.dst_mac;
    spec.vlan = settings_.vlan;
    plan_.templates.push_back(make_template(spec));
    if (plan_.templates.back().length > spec.frame_bytes) plan_.sizes_raised = true;
    return found->second;
  }

  const TrafficSettings& settings_;
  TrafficPlan plan_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, bool>, std::uint32_t> made_;
};

}  // namespace

PlannedTraffic plan_traffic(const TrafficSettings& settings) {
  if (auto problem = refusal(settings); !problem.empty()) return {std::nullopt, std::move(problem)};
  return {Planner(settings).make(), {}};
}

}  // namespace portier::load
