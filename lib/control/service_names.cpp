/// Look-ups in the services database, with the fall-backs of the rarer transports.
#include "control/service_names.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include <array>
#include <map>
#include <mutex>
#include <span>
#include <utility>

namespace portier::control {
namespace {

/// Database protocol names to ask for, best first.
std::span<const char* const> protocols_for(packet::Transport transport) {
  static constexpr std::array tcp{"tcp"};
  static constexpr std::array udp{"udp"};
  static constexpr std::array udplite{"udplite", "udp"};
  static constexpr std::array sctp{"sctp", "tcp", "udp"};
  static constexpr std::array dccp{"dccp", "udp", "tcp"};
  switch (transport) {
    case packet::Transport::tcp: return tcp;
    case packet::Transport::udp: return udp;
    case packet::Transport::udplite: return udplite;
    case packet::Transport::sctp: return sctp;
    case packet::Transport::dccp: return dccp;
  }
  return {};
}

/// Room for the aliases of one entry; the database's lines are far shorter.
using EntryBuffer = std::array<char, 4096>;

std::optional<std::uint16_t> look_up(const std::string& name, packet::Transport transport) {
  for (const char* protocol : protocols_for(transport)) {
    servent entry{};
    servent* found = nullptr;
    EntryBuffer buffer;
    if (getservbyname_r(name.c_str(), protocol, &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
      return ntohs(static_cast<std::uint16_t>(found->s_port));
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_text(PortCategory category) {
  switch (category) {
    case PortCategory::well_known: return "well-known";
    case PortCategory::registered: return "registered";
    case PortCategory::dynamic: return "dynamic";
  }
  return "";
}

std::optional<std::uint16_t> port_of(std::string_view name, packet::Transport transport) {
  if (name.empty() || name.size() > 63 || name.find('\0') != name.npos) return std::nullopt;
  // The database is a text file that is read from the start for each question: 0.1 ms each, which a configuration
  // with 65,536 bindings would feel. Bounded, because hostile text may ask for anything.
  constexpr std::size_t most_remembered = 4096;
  static std::mutex mutex;
  static std::map<std::pair<std::string, packet::Transport>, std::optional<std::uint16_t>> remembered;
  std::pair key{std::string(name), transport};
  const std::scoped_lock lock(mutex);
  if (const auto known = remembered.find(key); known != remembered.end()) return known->second;
  const auto port = look_up(key.first, transport);
  if (remembered.size() < most_remembered) remembered.emplace(std::move(key), port);
  return port;
}

std::optional<std::string> name_of(std::uint16_t port, packet::Transport transport) {
  for (const char* protocol : protocols_for(transport)) {
    servent entry{};
    servent* found = nullptr;
    EntryBuffer buffer;
    if (getservbyport_r(htons(port), protocol, &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
      return found->s_name;
    }
  }
  return std::nullopt;
}

}  // namespace portier::control
