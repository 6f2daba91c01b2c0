/// The process's side of a mailbox, behind the C ABI.
#include <poll.h>
#include <unistd.h>
#include <x86intrin.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "client/connection.hpp"
#include "client/datagram.hpp"
#include "client/portier_client.h"
#include "packet/transport.hpp"

namespace portier::client {
namespace {

thread_local std::string last_error;

}  // namespace
}  // namespace portier::client

using portier::client::Connection;
using portier::client::Ends;
namespace wire = portier::packet::wire;
namespace crosscore = portier::crosscore;

struct portier_client {  // NOLINT(readability-identifier-naming)
  Connection connection;
  std::vector<Ends> ends;  ///< by core of the router
  std::size_t next = 0;    ///< the core whose ring is looked at first
  double ns_per_time = 0;  ///< nanoseconds of a unit of receive times
  std::uint16_t identification = 0;
  portier_statistics statistics{};

  bool has_mail() {
    return std::ranges::any_of(ends, [](Ends& end) { return end.in.front().bytes != nullptr; });
  }
};

namespace {

std::uint32_t age_ns(const portier_client& client, std::uint32_t time) {
  const auto now = static_cast<std::uint32_t>(__rdtsc() >> 4);
  return static_cast<std::uint32_t>(std::min(client.ns_per_time * (now - time), 4e9));
}

portier_packet packet_of(const portier_client& client, const crosscore::MailFront& front, std::size_t core) {
  const auto& facts = front.facts;
  portier_packet packet{};
  packet.frame = front.bytes;
  packet.frame_length = facts.length;
  packet.flow_hash = facts.hash;
  packet.age_ns = age_ns(client, facts.time);
  packet.service = facts.service;
  const unsigned tags = facts.flags >> crosscore::flag_vlan_shift;
  packet.l3_offset = static_cast<std::uint16_t>(wire::ethernet_size + tags * wire::vlan_tag_size);
  packet.l4_offset = facts.l4_and_device & 0x0fff;
  packet.core = static_cast<std::uint16_t>(core);
  packet.ip_version = (facts.flags & crosscore::flag_ipv4) != 0 ? 4 : 6;
  packet.proto = facts.proto;
  packet.device = static_cast<std::uint8_t>(facts.l4_and_device >> 12);
  packet.flags = facts.flags & (PORTIER_FRAGMENT_FIRST | PORTIER_FRAGMENT_LATER | PORTIER_ICMP_ERROR);
  const auto payload = portier::client::payload_of({front.bytes, facts.length}, facts);
  packet.payload = payload.data();
  packet.payload_length = static_cast<std::uint32_t>(payload.size());
  return packet;
}

/// Room for a frame in the ring towards a core, or null with the reason in `error`.
crosscore::Slot* reserve(portier_client& client, std::size_t core, std::size_t length, int& error) {
  error = core < client.ends.size() ? 0 : -EINVAL;
  if (length == 0 || length > crosscore::max_frame_bytes) error = -EMSGSIZE;
  if (error != 0) return nullptr;
  auto* slot = client.ends[core].out.reserve(crosscore::slots_for(length));
  if (slot == nullptr) {
    client.statistics.not_sent += 1;
    error = client.ends[core].out.is_broken() ? -EPIPE : -EAGAIN;
  }
  return slot;
}

/// The frame is written: it leaves with the next flush.
void fill(portier_client& client, crosscore::Slot& slot, std::uint8_t device, std::size_t length) {
  slot.facts = {};
  slot.facts.length = static_cast<std::uint16_t>(length);
  slot.facts.l4_and_device = static_cast<std::uint16_t>(device << 12);
  client.statistics.sent += 1;
  client.statistics.sent_bytes += length;
}

std::uint8_t* bytes_of(crosscore::Slot* slot) {
  return reinterpret_cast<std::uint8_t*>(slot) + sizeof(crosscore::SlotFacts);
}

}  // namespace

extern "C" {

portier_client* portier_connect(const char* mailbox, const char* socket) {
  try {
    auto client = std::make_unique<portier_client>();
    client->connection = Connection::open(mailbox == nullptr ? "" : mailbox, socket == nullptr ? "" : socket);
    const auto& shape = client->connection.shape();
    for (std::uint32_t core = 0; core < shape.cores; ++core) {
      client->ends.emplace_back(towards_process(client->connection.region(), shape, core),
                                towards_router(client->connection.region(), shape, core));
    }
    client->ns_per_time = 16e9 / static_cast<double>(client->connection.head().tsc_hz);
    return client.release();
  } catch (const std::exception& fault) {
    portier::client::last_error = fault.what();
    return nullptr;
  }
}

void portier_close(portier_client* client) {
  if (client != nullptr) portier_flush(client);
  delete client;
}

const char* portier_error(void) { return portier::client::last_error.c_str(); }

size_t portier_receive_burst(portier_client* client, portier_packet* packets, size_t room) {
  portier_flush(client);
  std::size_t count = 0;
  const std::size_t cores = client->ends.size();
  for (std::size_t turn = 0; turn < cores; ++turn) client->ends[turn].give_back();
  for (std::size_t turn = 0; turn < cores && count < room; ++turn) {
    const std::size_t core = (client->next + turn) % cores;
    auto& end = client->ends[core];
    while (count < room) {
      const auto front = end.in.front();
      if (front.bytes == nullptr) break;
      packets[count++] = packet_of(*client, front, core);
      client->statistics.received_bytes += front.facts.length;
      end.in.pop();
      end.has_popped = true;
    }
  }
  client->next = (client->next + 1) % cores;
  client->statistics.received += count;
  return count;
}

int portier_flow_of(const portier_packet* packet, portier_flow* flow) {
  *flow = {};
  const bool has_ports = portier::packet::transport_index[packet->proto] != portier::packet::no_transport;
  if (!has_ports || (packet->flags & (PORTIER_FRAGMENT_LATER | PORTIER_ICMP_ERROR)) != 0) return -EINVAL;
  if (packet->l4_offset + 4U > packet->frame_length || packet->l3_offset > sizeof flow->link) return -EINVAL;
  const auto* ip = packet->frame + packet->l3_offset;
  const std::size_t size = packet->ip_version == 4 ? 4 : 16;
  std::copy_n(ip + portier::packet::ip_dst_offset(packet->ip_version), size, flow->local_address);
  std::copy_n(ip + portier::packet::ip_src_offset(packet->ip_version), size, flow->remote_address);
  flow->remote_port = portier::packet::load16(packet->frame + packet->l4_offset);
  flow->local_port = portier::packet::load16(packet->frame + packet->l4_offset + 2);
  flow->ip_version = packet->ip_version;
  flow->device = packet->device;
  flow->core = packet->core;
  flow->link_length = static_cast<std::uint8_t>(packet->l3_offset);
  std::copy_n(packet->frame + 6, 6, flow->link);
  std::copy_n(packet->frame, 6, flow->link + 6);
  std::copy(packet->frame + 12, packet->frame + packet->l3_offset, flow->link + 12);
  return 0;
}

int portier_send(portier_client* client, const portier_flow* flow, const void* payload, size_t length) {
  const auto headers = portier::client::header_bytes(*flow);
  if (flow->link_length < wire::ethernet_size || flow->link_length > sizeof flow->link) return -EINVAL;
  if (length > crosscore::max_frame_bytes) return -EMSGSIZE;
  int error = 0;
  auto* slot = reserve(*client, flow->core, headers + length, error);
  if (slot == nullptr) return error;
  auto* frame = bytes_of(slot);
  if (length != 0) std::memcpy(frame + headers, payload, length);
  portier::client::write_headers(frame, *flow, length, client->identification++);
  fill(*client, *slot, flow->device, headers + length);
  return 0;
}

int portier_reply(portier_client* client, const portier_packet* packet, const void* payload, size_t length) {
  portier_flow flow;
  if (packet->proto != wire::proto_udp || portier_flow_of(packet, &flow) != 0) return -EINVAL;
  return portier_send(client, &flow, payload, length);
}

size_t portier_reply_burst(portier_client* client, const portier_packet* packets, const portier_bytes* payloads,
                           size_t count) {
  std::size_t taken = 0;
  while (taken < count && portier_reply(client, &packets[taken], payloads[taken].data, payloads[taken].length) == 0) {
    taken += 1;
  }
  portier_flush(client);
  return taken;
}

int portier_send_frame(portier_client* client, uint16_t core, uint8_t device, const void* frame, size_t length) {
  int error = 0;
  auto* slot = reserve(*client, core, length, error);
  if (slot == nullptr) return error;
  std::memcpy(bytes_of(slot), frame, length);
  fill(*client, *slot, device, length);
  return 0;
}

void portier_flush(portier_client* client) {
  for (auto& end : client->ends) {
    if (end.out.has_unpublished()) end.out.publish();
  }
}

int portier_event_fd(const portier_client* client) { return client->connection.event_fd(); }
int portier_hangup_fd(const portier_client* client) { return client->connection.socket_fd(); }

int portier_arm(portier_client* client) {
  portier_flush(client);
  for (auto& end : client->ends) end.give_back();  // what was read must not look like mail to the router
  auto& sleeps = client->connection.head().sleeps;
  sleeps.store(1, std::memory_order_seq_cst);
  if (!client->has_mail()) return 0;
  sleeps.store(0, std::memory_order_relaxed);
  return 1;
}

void portier_disarm(portier_client* client) {
  client->connection.head().sleeps.store(0, std::memory_order_relaxed);
  std::uint64_t ignored = 0;
  [[maybe_unused]] const auto length = read(client->connection.event_fd(), &ignored, sizeof ignored);
}

int portier_wait(portier_client* client, int timeout_ms) {
  if (portier_arm(client) == 1) return 0;
  client->statistics.sleeps += 1;
  pollfd waits[2] = {{client->connection.event_fd(), POLLIN, 0}, {client->connection.socket_fd(), POLLIN, 0}};
  const int ready = poll(waits, 2, timeout_ms);
  const int error = ready < 0 ? -errno : 0;
  portier_disarm(client);
  if (ready > 0 && waits[1].revents != 0 && !client->has_mail()) return -EPIPE;
  return error;
}

void portier_get_statistics(const portier_client* client, portier_statistics* statistics) {
  *statistics = client->statistics;
}

}  // extern "C"
