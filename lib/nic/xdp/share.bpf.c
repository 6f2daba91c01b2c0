/// The XDP program of an interface that portier shares with the kernel: bound ports go to portier, all else goes on.
///
/// A packet is redirected when it is for one of our addresses and its port is bound there; so are the later fragments
/// of a datagram whose first one was, and ICMP errors about what such a port had sent. What is not understood, closed
/// or malformed stays with the kernel: what is redirected must be what the parser of lib/packet takes for sound and
/// the ruleset has a service for, as nobody else would ever see it. The property test in tests/xdp compares them.
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "share_layout.h"

#define WITHIN static __always_inline
// The verifier looks at such a function once, whatever its callers have done before; so loops do not multiply.
#define APART __attribute__((noinline))
// Linux 6.1 refuses a loop that is entered by a jump into its middle, as the compiler likes to lay them out.
#define UNROLL _Pragma("unroll")

enum {
  ethernet_size = 14,
  vlan_size = 4,
  max_vlans = 4,
  ipv4_size = 20,
  ipv6_size = 40,
  extension_size = 8,  // the shortest one
  max_extensions = 8,
  icmp_size = 8,
  max_l4_offset = 4095,  // portier's limit
  max_offset = 32767,    // anything that a length field of a sound frame can lead to; keeps the verifier's sums small
};

enum { type_ipv4 = 0x0800, type_ipv6 = 0x86dd, type_vlan = 0x8100, type_qinq = 0x88a8, type_old_qinq = 0x9100 };

enum {
  proto_hop_by_hop = 0,
  proto_icmp = 1,
  proto_tcp = 6,
  proto_udp = 17,
  proto_dccp = 33,
  proto_routing = 43,
  proto_fragment = 44,
  proto_ah = 51,
  proto_icmpv6 = 58,
  proto_no_next_header = 59,
  proto_destination_options = 60,
  proto_sctp = 132,
  proto_udplite = 136,
};

// ---- maps ----

/// The sockets by rx queue. libxdp, behind DPDK's driver, looks for a map of this name and puts its sockets there.
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, share_max_queues);
  __type(key, __u32);
  __type(value, __u32);
} xsks_map SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, share_max_addresses);
  __type(key, struct ShareAddress);
  __type(value, __u32);
} portier_addrs SEC(".maps");

/// A set of ports: [transport][port / 64], a bit for each.
struct port_set {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, share_words);
  __type(key, __u32);
  __type(value, __u64);
};

/// The set of each address. It is replaced as a whole, and the kernel has the replacing wait until no run of this
/// program uses the old one.
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
  __uint(max_entries, share_max_addresses);
  __type(key, __u32);
  __array(values, struct port_set);
} portier_ports SEC(".maps");

/// First fragments that were redirected. Shared by all CPUs, as a NIC may spread the fragments of a datagram; the
/// loader sets its size.
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct ShareDatagram);
  __type(value, __u64);
} portier_frags SEC(".maps");

const volatile __u64 fragment_timeout_ns = 1000000000;  // the loader sets it

/// libxdp takes an attached program for one that sockets can join by the name of its function and this version.
__uint(xsk_prog_version, 1) SEC("xdp_metadata");

char portier_license[] SEC("license") = "BSD";

// ---- what is read of a frame ----

enum fragment { whole, first, later };

struct facts {
  __u64 at;   // offset of the next header
  __u64 end;  // of the IP packet by its own length; not beyond the frame
  __u64 l3;
  __u32 version;
  __u32 proto;
  __u32 fragment;
  __u32 fragment_id;  // as on the wire
};

/// `size` bytes of the frame at `offset`; null where they are not there.
WITHIN const __u8* bytes_at(const struct xdp_md* ctx, __u64 offset, __u64 size) {
  const __u8* data = (const __u8*)(long)ctx->data;
  const __u8* end = (const __u8*)(long)ctx->data_end;
  if (offset > max_offset) return 0;
  asm volatile("" : "+r"(offset));  // or the compiler checks one register and adds another, which the verifier refuses
  const __u8* bytes = data + offset;
  return bytes + size > end ? 0 : bytes;
}

WITHIN __u32 load16(const __u8* at) { return (__u32)at[0] << 8 | at[1]; }
/// Four bytes in their order, for keys.
WITHIN __u32 raw32(const __u8* at) {
  return (__u32)at[0] | (__u32)at[1] << 8 | (__u32)at[2] << 16 | (__u32)at[3] << 24;
}

WITHIN int is_vlan(__u32 type) { return type == type_vlan || type == type_qinq || type == type_old_qinq; }

WITHIN int is_extension(__u32 proto) {
  return proto == proto_hop_by_hop || proto == proto_destination_options || proto == proto_routing ||
         proto == proto_fragment || proto == proto_ah;
}

/// As packet::transport_index; -1: none.
WITHIN int transport_of(__u32 proto) {
  switch (proto) {
    case proto_tcp: return 0;
    case proto_udp: return 1;
    case proto_udplite: return 2;
    case proto_sctp: return 3;
    case proto_dccp: return 4;
    default: return -1;
  }
}

WITHIN void set_address(struct ShareAddress* address, const __u8* bytes, __u32 version) {
  __builtin_memset(address, 0, sizeof *address);
  __builtin_memcpy(address->bytes, bytes, 4);
  if (version == 6) __builtin_memcpy(address->bytes + 4, bytes + 4, 12);
  address->version = version;
}

/// False: the packet is longer than it may be.
WITHIN int read_fragment(struct facts* facts, __u64 offset_bytes, int more) {
  if (offset_bytes + (facts->end - facts->at) > 65535) return 0;
  facts->fragment = offset_bytes != 0 ? later : more ? first : whole;
  return 1;
}

/// Fills `facts` up to where the transport header is, and the destination. False: the kernel's.
WITHIN int read_ipv4(const struct xdp_md* ctx, struct facts* facts, struct ShareAddress* dst) {
  const __u8* ip = bytes_at(ctx, facts->l3, ipv4_size);
  if (ip == 0 || ip[0] >> 4 != 4) return 0;
  const __u64 header = (ip[0] & 15) * 4;
  const __u64 total = load16(ip + 2);
  if (header < ipv4_size || total < header) return 0;
  facts->version = 4;
  facts->proto = ip[9];
  facts->end = facts->l3 + total;
  facts->at = facts->l3 + header;
  set_address(dst, ip + 16, 4);
  const __u32 fragment = load16(ip + 6);
  facts->fragment_id = load16(ip + 4);
  if ((fragment & 0x3fff) == 0) return 1;
  return read_fragment(facts, (fragment & 0x1fff) * 8, (fragment & 0x2000) != 0);
}

/// Walks extension headers; stops at a later fragment's payload.
APART int walk_extensions(struct xdp_md* ctx, struct facts* facts) {
  if (facts == 0) return 0;
  int is_fragmented = 0;
  UNROLL
  for (int walked = 0; walked <= max_extensions; ++walked) {
    if (!is_extension(facts->proto)) return 1;
    if (walked == max_extensions) return 0;
    const __u8* header = bytes_at(ctx, facts->at, extension_size);
    if (header == 0 || facts->at + extension_size > facts->end) return 0;
    if (facts->proto == proto_fragment) {
      if (is_fragmented) return 0;
      is_fragmented = 1;
      const __u32 word = load16(header + 2);
      facts->fragment_id = raw32(header + 4);
      facts->proto = header[0];
      facts->at += extension_size;
      if (facts->at > max_l4_offset) return 0;
      if (!read_fragment(facts, word & 0xfff8, word & 1)) return 0;
      if (facts->fragment == later) return 1;
      continue;
    }
    const __u64 length = facts->proto == proto_ah ? ((__u64)header[1] + 2) * 4 : ((__u64)header[1] + 1) * 8;
    if (facts->proto == proto_ah && length < 12) return 0;
    facts->proto = header[0];
    facts->at += length;
    if (facts->at > facts->end || facts->at > max_l4_offset) return 0;
  }
  return 0;
}

WITHIN int read_ipv6(const struct xdp_md* ctx, struct facts* facts, struct ShareAddress* dst) {
  const __u8* ip = bytes_at(ctx, facts->l3, ipv6_size);
  if (ip == 0 || ip[0] >> 4 != 6) return 0;
  const __u64 payload = load16(ip + 4);
  if (payload == 0 && ip[6] != proto_no_next_header) return 0;
  facts->version = 6;
  facts->proto = ip[6];
  facts->at = facts->l3 + ipv6_size;
  facts->end = facts->at + payload;
  set_address(dst, ip + 24, 6);
  return 1;
}

/// Whether `port` of the address whose ports are at `place` is bound.
WITHIN int is_bound(__u32 place, __u32 transport, __u32 port) {
  void* set = bpf_map_lookup_elem(&portier_ports, &place);
  if (set == 0) return 0;
  const __u32 word = transport * share_words_per_transport + port / share_ports_per_word;
  const __u64* ports = bpf_map_lookup_elem(set, &word);
  return ports != 0 && (*ports >> port % share_ports_per_word & 1) != 0;
}

WITHIN void set_datagram(const struct xdp_md* ctx, const struct facts* facts, struct ShareDatagram* datagram) {
  __builtin_memset(datagram, 0, sizeof *datagram);
  datagram->id = facts->fragment_id;
  if (facts->version == 4) {
    const __u8* ip = bytes_at(ctx, facts->l3, ipv4_size);
    if (ip == 0) return;
    __builtin_memcpy(datagram->src, ip + 12, 4);
    __builtin_memcpy(datagram->dst, ip + 16, 4);
    datagram->proto = facts->proto;
  } else {
    const __u8* ip = bytes_at(ctx, facts->l3, ipv6_size);
    if (ip == 0) return;
    __builtin_memcpy(datagram->src, ip + 8, 16);
    __builtin_memcpy(datagram->dst, ip + 24, 16);
  }
}

/// A later fragment: ours if its first one was, and came not too long ago.
WITHIN int is_later_ours(const struct xdp_md* ctx, const struct facts* facts) {
  struct ShareDatagram datagram;
  set_datagram(ctx, facts, &datagram);
  const __u64* came = bpf_map_lookup_elem(&portier_frags, &datagram);
  return came != 0 && bpf_ktime_get_ns() - *came < fragment_timeout_ns;
}

/// A first fragment decides for those behind it, also when an earlier datagram of the same number was another's.
WITHIN void note_first(const struct xdp_md* ctx, const struct facts* facts, int is_ours) {
  struct ShareDatagram datagram;
  set_datagram(ctx, facts, &datagram);
  if (is_ours) {
    const __u64 now = bpf_ktime_get_ns();
    bpf_map_update_elem(&portier_frags, &datagram, &now, BPF_ANY);
  } else {
    bpf_map_delete_elem(&portier_frags, &datagram);
  }
}

/// The destination port of a sound transport header; -1 where there is none.
WITHIN int destination_port(const struct xdp_md* ctx, const struct facts* facts) {
  const __u64 length = facts->end - facts->at;
  const int is_first = facts->fragment == first;
  const __u64 least = facts->proto == proto_tcp                                    ? 20
                      : facts->proto == proto_udp || facts->proto == proto_udplite ? 8
                                                                                   : 12;
  const __u8* header = bytes_at(ctx, facts->at, 8);
  if (header == 0 || length < least) return -1;
  if (facts->proto == proto_tcp) {
    const __u8* tcp = bytes_at(ctx, facts->at, 20);
    if (tcp == 0) return -1;
    const __u64 claimed = (tcp[12] >> 4) * 4;
    if (claimed < 20 || (claimed > length && !is_first)) return -1;
  } else if (facts->proto == proto_udp) {
    const __u64 claimed = load16(header + 4);
    if (claimed < 8 || (claimed > length && !is_first)) return -1;
  }
  return (int)load16(header + 2);
}

/// Whether an ICMP error speaks of something that a bound port of ours had sent: the source of what it quotes. Eight
/// bytes of the quoted transport header are all that must be there.
APART int is_error_ours(struct xdp_md* ctx, const struct facts* facts) {
  if (facts == 0) return 0;
  const __u8* icmp = bytes_at(ctx, facts->at, icmp_size);
  if (icmp == 0 || facts->at + icmp_size > facts->end) return 0;
  const __u8 type = icmp[0];
  if (facts->version == 4 ? type != 3 && type != 4 && type != 5 && type != 11 && type != 12 : type < 1 || type > 4)
    return 0;

  struct ShareAddress src;
  __u64 at = facts->at + icmp_size;
  __u32 proto;
  if (facts->version == 4) {
    const __u8* ip = bytes_at(ctx, at, ipv4_size);
    if (ip == 0 || ip[0] >> 4 != 4) return 0;
    const __u64 header = (ip[0] & 15) * 4;
    if (header < ipv4_size || (load16(ip + 6) & 0x1fff) != 0) return 0;
    proto = ip[9];
    set_address(&src, ip + 12, 4);
    at += header;
  } else {
    const __u8* ip = bytes_at(ctx, at, ipv6_size);
    if (ip == 0 || ip[0] >> 4 != 6) return 0;
    proto = ip[6];
    set_address(&src, ip + 8, 6);
    at += ipv6_size;
    UNROLL
    for (int walked = 0; walked < max_extensions; ++walked) {
      if (!is_extension(proto)) break;
      const __u8* header = bytes_at(ctx, at, extension_size);
      if (header == 0 || at + extension_size > facts->end) return 0;
      if (proto == proto_fragment) {
        if ((load16(header + 2) & 0xfff8) != 0) return 0;
        at += extension_size;
      } else {
        at += proto == proto_ah ? ((__u64)header[1] + 2) * 4 : ((__u64)header[1] + 1) * 8;
      }
      proto = header[0];
    }
  }
  const int transport = transport_of(proto);
  const __u8* ports = bytes_at(ctx, at, 4);
  if (transport < 0 || ports == 0 || at + 4 > facts->end) return 0;
  const __u32* place = bpf_map_lookup_elem(&portier_addrs, &src);
  return place != 0 && is_bound(*place, (__u32)transport, load16(ports));
}

/// Whether portier is the one to have this packet.
WITHIN int is_ours(struct xdp_md* ctx) {
  const __u8* ethernet = bytes_at(ctx, 0, ethernet_size);
  if (ethernet == 0) return 0;
  __u32 type = load16(ethernet + 12);
  struct facts facts = {.l3 = ethernet_size};
  UNROLL
  for (int tags = 0; tags < max_vlans; ++tags) {
    if (!is_vlan(type)) break;
    const __u8* tag = bytes_at(ctx, facts.l3, vlan_size);
    if (tag == 0) return 0;
    type = load16(tag + 2);
    facts.l3 += vlan_size;
  }
  struct ShareAddress dst;
  if (type == type_ipv4) {
    if (!read_ipv4(ctx, &facts, &dst)) return 0;
  } else if (type == type_ipv6) {
    if (!read_ipv6(ctx, &facts, &dst)) return 0;
  } else {
    return 0;
  }
  const __u64 frame = (__u64)ctx->data_end - (__u64)ctx->data;
  if (facts.end > frame) return 0;
  const __u32* place = bpf_map_lookup_elem(&portier_addrs, &dst);
  if (place == 0) return 0;  // most of what is the kernel's ends here
  if (facts.version == 6 && is_extension(facts.proto) && !walk_extensions(ctx, &facts)) return 0;

  if (facts.fragment == later) return is_later_ours(ctx, &facts);
  const int transport = transport_of(facts.proto);
  if (transport < 0) {
    const int is_icmp = facts.proto == (facts.version == 4 ? proto_icmp : proto_icmpv6);
    return is_icmp && facts.fragment == whole && is_error_ours(ctx, &facts);
  }
  const int port = destination_port(ctx, &facts);
  if (port < 0) return 0;
  const int is_open = is_bound(*place, (__u32)transport, (__u32)port);
  if (facts.fragment == first) note_first(ctx, &facts, is_open);
  return is_open;
}

SEC("xdp") int xsk_def_prog(struct xdp_md* ctx) {
  // Without a socket behind this rx queue: XDP_PASS.
  return is_ours(ctx) ? (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS) : XDP_PASS;
}
