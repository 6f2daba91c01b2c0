/// One packet as a handler sees it: facts and a span of bytes, never an mbuf.
#pragma once

#include <array>
#include <cstdint>

#include "crosscore/slot.hpp"
#include "packet/facts.hpp"
#include "packet/flow_hash.hpp"
#include "packet/layout.hpp"

namespace portier::datapath {

/// Valid during the call of `Handler::on_burst` that it is handed to. The bytes are read-only and contiguous.
class PacketView {
 public:
  PacketView() = default;
  PacketView(const crosscore::SlotFacts& facts, const std::uint8_t* bytes) : facts_(facts), bytes_(bytes) {}

  /// The whole Ethernet frame, without FCS.
  packet::Bytes frame() const { return {bytes_, facts_.length}; }

  std::uint8_t ip_version() const {  ///< 4, 6, or 0: ARP
    return (facts_.flags & crosscore::flag_ipv4) != 0 ? 4 : (facts_.flags & crosscore::flag_ipv6) != 0 ? 6 : 0;
  }
  std::uint8_t proto() const { return facts_.proto; }
  /// An ICMP or ICMPv6 error that quotes a packet of this service.
  bool is_icmp_error() const { return (facts_.flags & crosscore::flag_icmp_error) != 0; }
  packet::Fragment fragment() const {
    if ((facts_.flags & crosscore::flag_first_fragment) != 0) return packet::Fragment::first;
    return (facts_.flags & crosscore::flag_later_fragment) != 0 ? packet::Fragment::later : packet::Fragment::none;
  }
  std::uint16_t l3_offset() const {
    const unsigned tags = facts_.flags >> crosscore::flag_vlan_shift;
    return static_cast<std::uint16_t>(packet::wire::ethernet_size + tags * packet::wire::vlan_tag_size);
  }
  std::uint16_t l4_offset() const { return facts_.l4_and_device & 0x0fff; }
  std::uint8_t device() const { return static_cast<std::uint8_t>(facts_.l4_and_device >> 12); }
  std::uint32_t flow_hash() const { return facts_.hash; }
  std::uint16_t service() const { return facts_.service; }

  packet::Layout layout() const { return {ip_version(), proto(), fragment(), l3_offset(), l4_offset()}; }

  /// Addresses, ports (0 where the packet has none) and protocol, read from the bytes. IP packets only.
  packet::FlowKey flow_key() const;

  /// Payload of the transport header: TCP options skipped, Ethernet padding cut off. Empty where there is none.
  packet::Bytes payload() const;

  /// Receive time in units of 16 ticks of the time stamp counter, low 32 bits; `Burst::age_ns` makes sense of it.
  std::uint32_t receive_time() const { return facts_.time; }

  /// For who hands the packet on in a slot.
  const crosscore::SlotFacts& facts() const { return facts_; }

  /// The same packet with its bytes elsewhere.
  PacketView moved_to(const std::uint8_t* bytes) const { return {facts_, bytes}; }

 private:
  crosscore::SlotFacts facts_{};
  const std::uint8_t* bytes_ = nullptr;
};

/// Packets by row, from where they are. Views are made when somebody looks.
class PacketRows {
 public:
  /// In slots: facts lie right before the bytes.
  explicit PacketRows(const std::uint8_t* const* bytes) : bytes_(bytes) {}

  /// In columns of a burst that was received at one time. Flows of the rows in `unhashed` are hashed when somebody
  /// looks: on a run-to-completion core nothing else wants to know.
  struct Columns {
    const std::uint64_t* head = nullptr;  ///< second half of the facts, without the service; null: in slots
    const std::uint32_t* hash = nullptr;  ///< of all other rows
    const std::uint16_t* service = nullptr;
    std::uint32_t time = 0;
    std::uint64_t unhashed = 0;                            ///< bit r: row r
    std::uint64_t ipv6 = 0;                                ///< those of them that are not IPv4
    const std::uint64_t* ports = nullptr;                  ///< as packet::flow_hash4 takes them
    const std::array<std::uint64_t, 64>* words = nullptr;  ///< four columns, as packet::flow_hash6 takes addresses
    const packet::HashKey* key = nullptr;
  };
  PacketRows(const std::uint8_t* const* bytes, const Columns& columns) : bytes_(bytes), columns_(columns) {}

  PacketView operator[](std::size_t row) const { return {facts(row), bytes_[row]}; }
  std::uint16_t length(std::size_t row) const {
    if (columns_.head == nullptr) return facts(row).length;
    return static_cast<std::uint16_t>(columns_.head[row] >> 16);
  }

 private:
  crosscore::SlotFacts facts(std::size_t row) const {
    if (columns_.head == nullptr) {
      return reinterpret_cast<const crosscore::SlotFacts*>(bytes_[row])[-1];
    }
    return crosscore::make_facts(hash(row), columns_.time, columns_.head[row], columns_.service[row]);
  }
  std::uint32_t hash(std::size_t row) const {
    if ((columns_.unhashed >> row & 1) == 0) return columns_.hash[row];
    const auto* words = columns_.words;
    if ((columns_.ipv6 >> row & 1) == 0) return packet::flow_hash4(*columns_.key, words[0][row], columns_.ports[row]);
    return packet::flow_hash6(*columns_.key, {words[0][row], words[1][row], words[2][row], words[3][row]},
                              columns_.ports[row]);
  }

  const std::uint8_t* const* bytes_;
  Columns columns_;
};

}  // namespace portier::datapath
