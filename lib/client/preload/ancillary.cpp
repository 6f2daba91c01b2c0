/// RFC 3542 and ip(7).
#include "client/preload/ancillary.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace portier::preload {

namespace {

/// Behind what is there already, `used` bytes; too little room is marked.
void append(msghdr& message, std::size_t room, std::size_t& used, int level, int type, const void* data,
            std::size_t length) {
  if (room - used < CMSG_LEN(length)) {
    message.msg_flags |= MSG_CTRUNC;
    return;
  }
  auto* const at = static_cast<unsigned char*>(message.msg_control) + used;
  cmsghdr header{};
  header.cmsg_len = CMSG_LEN(length);
  header.cmsg_level = level;
  header.cmsg_type = type;
  std::memcpy(at, &header, sizeof header);
  std::memcpy(at + CMSG_LEN(0), data, length);
  used = std::min(room, used + CMSG_SPACE(length));
}

}  // namespace

void write_arrival(const BoundSocket& socket, const portier_flow& flow, msghdr& message) {
  const std::size_t room = message.msg_control == nullptr ? 0 : message.msg_controllen;
  std::size_t used = 0;
  const auto local = local_of(flow);
  if (socket.wants_ipv4_info && flow.ip_version == 4) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_addr, local.address.data(), 4);
    info.ipi_spec_dst = info.ipi_addr;
    append(message, room, used, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
  }
  if (socket.wants_ipv6_info && socket.binding.family == AF_INET6) {
    in6_pktinfo info{};
    info.ipi6_addr = as_ipv6(local);
    append(message, room, used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
  }
  message.msg_controllen = used;
}

std::optional<Endpoint> departure_of(const msghdr& message) {
  if (message.msg_control == nullptr) return std::nullopt;
  auto* const whole = const_cast<msghdr*>(&message);
  for (auto* header = CMSG_FIRSTHDR(whole); header != nullptr; header = CMSG_NXTHDR(whole, header)) {
    Endpoint from;
    if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO &&
        header->cmsg_len >= CMSG_LEN(sizeof(in_pktinfo))) {
      in_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      from.ip_version = 4;
      std::memcpy(from.address.data(), &info.ipi_spec_dst, 4);
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO &&
               header->cmsg_len >= CMSG_LEN(sizeof(in6_pktinfo))) {
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(header), sizeof info);
      set_ipv6(from, info.ipi6_addr);
    }
    if (from.ip_version != 0 && !from.is_wildcard()) return from;
  }
  return std::nullopt;
}

}  // namespace portier::preload
