/// Bindings as text: what is accepted, its canonical form, and what every refused text is told to be instead.
#include "control/binding_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <random>
#include <string>

#include "control/address_text.hpp"
#include "control/service_names.hpp"

namespace portier::control {
namespace {

using packet::Transport;
using testing::HasSubstr;

struct Sound {
  std::string text;
  Transport transport;
  unsigned first;
  unsigned last;
  std::string destination;  ///< as to_text(Prefix) prints it
  std::string canonical;
};
void PrintTo(const Sound& sound, std::ostream* out) { *out << sound.text; }

class SoundBinding : public testing::TestWithParam<Sound> {};

TEST_P(SoundBinding, IsReadAndPrinted) {
  const auto& expected = GetParam();
  const auto parsed = parse_binding(expected.text);
  ASSERT_TRUE(parsed.binding) << parsed.problem;
  EXPECT_EQ(parsed.binding->transport, expected.transport);
  EXPECT_EQ(parsed.binding->first_port, expected.first);
  EXPECT_EQ(parsed.binding->last_port, expected.last);
  EXPECT_EQ(to_text(parsed.binding->destination), expected.destination);
  EXPECT_EQ(to_text(*parsed.binding), expected.canonical);
  const auto again = parse_binding(expected.canonical);
  ASSERT_TRUE(again.binding) << again.problem;
  EXPECT_EQ(to_text(*again.binding), expected.canonical);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, SoundBinding,
    testing::Values(
        Sound{"udp/0", Transport::udp, 0, 0, "*", "udp/0"}, Sound{"udp/1", Transport::udp, 1, 1, "*", "udp/1"},
        Sound{"udp/53", Transport::udp, 53, 53, "*", "udp/53"}, Sound{"tcp/63", Transport::tcp, 63, 63, "*", "tcp/63"},
        Sound{"tcp/64", Transport::tcp, 64, 64, "*", "tcp/64"},
        Sound{"tcp/65534", Transport::tcp, 65534, 65534, "*", "tcp/65534"},
        Sound{"tcp/65535", Transport::tcp, 65535, 65535, "*", "tcp/65535"},
        Sound{"tcp/https", Transport::tcp, 443, 443, "*", "tcp/443"},
        Sound{"udplite/domain", Transport::udplite, 53, 53, "*", "udplite/53"},
        Sound{"sctp/https", Transport::sctp, 443, 443, "*", "sctp/443"},
        Sound{"dccp/domain", Transport::dccp, 53, 53, "*", "dccp/53"},
        Sound{"tcp/http-alt", Transport::tcp, 8080, 8080, "*", "tcp/8080"},
        Sound{"udp/5000-5999", Transport::udp, 5000, 5999, "*", "udp/5000-5999"},
        Sound{"udp/5000-5000", Transport::udp, 5000, 5000, "*", "udp/5000"},
        Sound{"sctp/*", Transport::sctp, 0, 65535, "*", "sctp/*"},
        Sound{"dccp/0-65535", Transport::dccp, 0, 65535, "*", "dccp/*"},
        Sound{"udp/192.0.2.1:53", Transport::udp, 53, 53, "192.0.2.1/32", "udp/192.0.2.1:53"},
        Sound{"udp/192.0.2.1/32:53", Transport::udp, 53, 53, "192.0.2.1/32", "udp/192.0.2.1:53"},
        Sound{"udp/192.0.2.0/24:5000-5999", Transport::udp, 5000, 5999, "192.0.2.0/24", "udp/192.0.2.0/24:5000-5999"},
        Sound{"udp/192.0.2.0/24:*", Transport::udp, 0, 65535, "192.0.2.0/24", "udp/192.0.2.0/24:*"},
        Sound{"udp/0.0.0.0/0:53", Transport::udp, 53, 53, "0.0.0.0/0", "udp/0.0.0.0/0:53"},
        Sound{"tcp/[::/0]:443", Transport::tcp, 443, 443, "::/0", "tcp/[::/0]:443"},
        Sound{"tcp/[2001:db8::/32]:443", Transport::tcp, 443, 443, "2001:db8::/32", "tcp/[2001:db8::/32]:443"},
        Sound{"tcp/[2001:DB8:0::1]:https", Transport::tcp, 443, 443, "2001:db8::1/128", "tcp/[2001:db8::1]:443"},
        Sound{"udp/[::ffff:192.0.2.1]:1", Transport::udp, 1, 1, "::ffff:192.0.2.1/128", "udp/[::ffff:192.0.2.1]:1"}));

struct Refused {
  std::string text;
  std::string says;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.text; }

class RefusedBinding : public testing::TestWithParam<Refused> {};

TEST_P(RefusedBinding, SaysWhatToWrite) {
  const auto parsed = parse_binding(GetParam().text);
  EXPECT_FALSE(parsed.binding);
  EXPECT_THAT(parsed.problem, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, RefusedBinding,
    testing::Values(Refused{"", "a binding is empty; write udp/53"},
                    Refused{"53", "'53' is not a binding; write one such as udp/53"},
                    Refused{"udp", "'udp' is not a binding"}, Refused{"udp:53", "write \"udp/53\""},
                    Refused{"53/udp", "write \"udp/53\""}, Refused{"https/tcp", "write \"tcp/https\""},
                    Refused{"UDP/53", "write \"udp/53\""}, Refused{"udp / 53", "contains blanks; write \"udp/53\""},
                    Refused{"udp 53", "write \"udp/53\""},
                    Refused{"icmp/8", "'icmp' is not a transport; write tcp, udp, udplite, sctp or dccp"},
                    Refused{"udp/", "the port is missing"}, Refused{"udp/192.0.2.1:", "the port is missing"},
                    Refused{"udp/65536", "port '65536' does not exist; write a number from 0 to 65535"},
                    Refused{"udp/99999999999999999999", "does not exist; write a number from 0 to 65535"},
                    Refused{"udp/-1", "port '-1' does not exist; write a number from 0 to 65535"},
                    Refused{"udp/+1", "port '+1' does not exist"}, Refused{"udp/053", "has leading zeros; write 53"},
                    Refused{"udp/00", "has leading zeros; write 0"}, Refused{"udp/5-", "has no end; write 5-65535"},
                    Refused{"udp/6-5", "runs backwards; write 5-6"},
                    Refused{"udp/5-65536", "port '65536' does not exist"},
                    Refused{"udp/5-6-7", "'5-6-7' is neither a port nor a service name"},
                    Refused{"tcp/no-such-service", "is neither a port nor a service name that this machine knows"},
                    Refused{"udp/192.0.2.1", "has an address but no port; write \"udp/192.0.2.1:*\""},
                    Refused{"udp/192.0.2.0/24", "has an address but no port; write \"udp/192.0.2.0/24:*\""},
                    Refused{"udp/*:53", "write \"udp/53\" for every address"},
                    Refused{"udp/192.0.2.1/24:53",
                            "has bits set behind its length; write 192.0.2.0/24 for the network or 192.0.2.1"},
                    Refused{"tcp/[2001:db8::1/32]:53", "write 2001:db8::/32 for the network or 2001:db8::1"},
                    Refused{"udp/192.0.2.0/33:53", "'33' is not a prefix length; write a number from 0 to 32"},
                    Refused{"udp/192.0.2.0/:53", "'' is not a prefix length"},
                    Refused{"udp/192.0.2.0/024:53", "'024' is not a prefix length"},
                    Refused{"udp/192.0.2:53", "'192.0.2' is not an IP address"},
                    Refused{"udp/192.0.2.256:53", "'192.0.2.256' is not an IP address"},
                    Refused{"udp/192.0.2.010:53", "is not an IP address"},
                    Refused{"tcp/[2001:db8::/129]:1", "write a number from 0 to 128"},
                    Refused{"tcp/[fe80::1%eth0]:1", "is not an IP address"},
                    Refused{"tcp/[192.0.2.1]:1", "is IPv4; write it without brackets"},
                    Refused{"tcp/[]:1", "'' is not an IP address"},
                    Refused{"tcp/[2001:db8::1]", "needs \"]:\" and a port behind its address"},
                    Refused{"tcp/[2001:db8::1:443", "needs \"]:\""},
                    Refused{"tcp/2001:db8::1:443", "IPv6 address without brackets; write tcp/[2001:db8::1]:443"},
                    Refused{std::string("udp/53\0", 7), "'53\\x00' is neither a port nor a service name"},
                    Refused{std::string("udp/192.0.2.1\0:53", 17), "is not an IP address"},
                    Refused{"udp/53\x1b[2J", "\\x1b"}, Refused{std::string(5000, 'x'), "is too long"}));

TEST(BindingText, ServiceNameOfAnotherTransportSaysWhich) {
  if (port_of("ssh", Transport::udp)) GTEST_SKIP() << "this machine has ssh for UDP";
  EXPECT_THAT(parse_binding("udp/ssh").problem,
              HasSubstr("is a service name of tcp only; write tcp/ssh, or the number: udp/22"));
}

TEST(BindingText, EveryPrintedBindingParsesToItself) {
  std::mt19937 random(7);
  const auto below = [&](unsigned limit) { return std::uniform_int_distribution<unsigned>(0, limit - 1)(random); };
  for (int round = 0; round < 20'000; ++round) {
    table::Binding binding;
    binding.transport = packet::transports[below(packet::transport_count)].transport;
    const auto a = static_cast<std::uint16_t>(below(65536));
    const auto b = static_cast<std::uint16_t>(below(65536));
    binding.first_port = std::min(a, b);
    binding.last_port = below(2) ? binding.first_port : std::max(a, b);
    binding.destination.address.version = std::array<std::uint8_t, 3>{0, 4, 6}[below(3)];
    if (binding.destination.address.version != 0) {
      for (std::size_t i = 0; i < binding.destination.address.size(); ++i) {
        binding.destination.address.bytes[i] = static_cast<std::uint8_t>(below(256));
      }
      binding.destination.length = static_cast<std::uint8_t>(below(binding.destination.address.bits() + 1));
      binding.destination = packet::canonical(binding.destination);
    }
    const auto parsed = parse_binding(to_text(binding));
    ASSERT_TRUE(parsed.binding) << to_text(binding) << ": " << parsed.problem;
    EXPECT_EQ(parsed.binding->transport, binding.transport);
    EXPECT_EQ(parsed.binding->destination, binding.destination);
    EXPECT_EQ(parsed.binding->first_port, binding.first_port);
    EXPECT_EQ(parsed.binding->last_port, binding.last_port);
  }
}

TEST(BindingText, AnyBytesGiveABindingOrASentence) {
  std::mt19937 random(11);
  const std::string letters = "udptcs/[]:.*-0123456789af \\x\t\"";
  for (int round = 0; round < 100'000; ++round) {
    std::string text;
    for (auto i = random() % 24; i > 0; --i) text += letters[random() % letters.size()];
    const auto parsed = parse_binding(text);
    EXPECT_NE(parsed.binding.has_value(), !parsed.problem.empty()) << text;
  }
}

TEST(AddressText, PrintsWhatItReads) {
  for (const std::string text :
       {"0.0.0.0", "255.255.255.255", "192.0.2.1", "::", "::1", "2001:db8::1", "::ffff:192.0.2.1"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_text(*address), text);
  }
  EXPECT_EQ(parse_address("::ffff:192.0.2.1")->version, 6);
  EXPECT_EQ(to_text(packet::Address{}), "*");
}

TEST(ServiceNames, CategoriesMeetAtTheirBounds) {
  EXPECT_EQ(to_text(category_of(0)), "well-known");
  EXPECT_EQ(to_text(category_of(1023)), "well-known");
  EXPECT_EQ(to_text(category_of(1024)), "registered");
  EXPECT_EQ(to_text(category_of(49151)), "registered");
  EXPECT_EQ(to_text(category_of(49152)), "dynamic");
  EXPECT_EQ(to_text(category_of(65535)), "dynamic");
}

TEST(ServiceNames, LookUpBothWays) {
  EXPECT_EQ(port_of("domain", Transport::udp), 53);
  EXPECT_EQ(port_of("domain", Transport::udplite), 53);
  EXPECT_EQ(port_of("https", Transport::sctp), 443);
  EXPECT_EQ(name_of(53, Transport::dccp), "domain");
  EXPECT_EQ(name_of(0, Transport::udp), std::nullopt);
  EXPECT_EQ(port_of("", Transport::udp), std::nullopt);
  EXPECT_EQ(port_of(std::string(100'000, 'a'), Transport::udp), std::nullopt);
}

}  // namespace
}  // namespace portier::control
