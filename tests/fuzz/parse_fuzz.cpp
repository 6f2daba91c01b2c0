/// libFuzzer entry: any bytes through parsing, quotations and every answer.
///
/// The first byte of the input chooses how much longer the frame was on the wire and how much room an answer has; the
/// rest is the frame.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "packet/parse.hpp"
#include "packet/plain.hpp"
#include "packet/reply.hpp"

namespace {

using namespace portier::packet;

void expect(bool holds) {
  if (!holds) std::abort();
}

template <typename Write>
void answer(std::size_t room, Write&& write) {
  const std::unique_ptr<std::uint8_t[]> out(new std::uint8_t[room]);
  expect(write(MutableBytes(out.get(), room)) <= room);
}

void answer_all(Bytes frame, const Facts& facts, std::size_t room) {
  const auto layout = layout_of(facts);
  constexpr MacAddress our_mac{2, 0, 0, 0, 0, 1};
  answer(room, [&](MutableBytes out) { return write_udp_echo(out, frame, layout); });
  answer(room, [&](MutableBytes out) { return write_tcp_reset(out, frame, layout); });
  answer(room, [&](MutableBytes out) { return write_port_unreachable(out, frame, layout); });
  answer(room, [&](MutableBytes out) { return write_reject(out, frame, layout); });
  answer(room, [&](MutableBytes out) { return write_icmp_echo_reply(out, frame, layout); });
  answer(room, [&](MutableBytes out) { return write_arp_reply(out, frame, layout, our_mac); });
  answer(room, [&](MutableBytes out) { return write_neighbor_advertisement(out, frame, layout, our_mac); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes frame(data + 1, size - 1);
  const std::size_t snapped = data[0] & 0x80 ? (data[0] & 0x7fU) * 16U : 0;
  const auto facts = parse(frame, frame.size() + snapped);
  expect(facts.l3_offset <= frame.size() && facts.l3_end <= frame.size() + snapped);
  if (facts.ports_known) expect(facts.l4_offset + 8U <= frame.size() && facts.l4_offset <= max_l4_offset);
  if (snapped == 0 && frame.size() >= min_plain_bytes && parse_plain(frame.data(), frame.size()).is_plain != 0) {
    const auto plain = parse_plain(frame.data(), frame.size());
    expect(facts.kind == Kind::transport && facts.fragment == Fragment::none && facts.proto == plain.proto);
    expect(facts.ip_version == (plain.is_ipv6 != 0 ? 6 : 4) && facts.vlan_count == plain.is_tagged);
    expect(facts.l4_offset == plain.l4_offset && facts.dst_port == static_cast<std::uint16_t>(plain.ports));
  }
  if (facts.reason != Reason::none) expect(facts.kind == Kind::other && !facts.ports_known);
  if (facts.kind == Kind::icmp_error) {
    const auto quote = parse_quote(frame, facts);
    expect(quote.ip_version == 0 || quote.ip_version == facts.ip_version);
  }
  const std::size_t room = data[0] & 0x40 ? data[0] & 0x3fU : frame.size() + reply_growth_bytes;
  answer_all(frame, facts, room);
  return 0;
}
