/// The handshake on the router's socket.
#include "client/connection.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "packet/wire.hpp"

namespace portier::client {

namespace {

constexpr int answer_limit_s = 5;

std::string reason() { return std::generic_category().message(errno); }

/// As the router computes it.
std::string usual_socket() {
  if (const char* said = std::getenv("PORTIER_MAILBOX_SOCKET"); said != nullptr && *said != '\0') return said;
  if (geteuid() == 0) return "/run/portier/mailbox.sock";
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime != '\0') {
    auto own = std::string(runtime) + "/portier/mailbox.sock";
    if (access(own.c_str(), F_OK) == 0) return own;
  }
  auto temporary = "/tmp/portier-" + std::to_string(geteuid());
  struct stat folder {};
  // Anybody can make a folder of that name there: only one of our own is looked into.
  if (lstat(temporary.c_str(), &folder) == 0 && folder.st_uid == geteuid()) return temporary + "/mailbox.sock";
  return "/run/portier/mailbox.sock";
}

void close_if_open(int fd) {
  if (fd >= 0) close(fd);
}

}  // namespace

Connection::~Connection() {
  if (region_ != nullptr) munmap(region_, shape_.region_bytes());
  close_if_open(event_);
  close_if_open(socket_);
}

Connection Connection::open(const std::string& mailbox, std::string path) {
  crosscore::MailHello hello{.magic = crosscore::mail_magic, .version = crosscore::mail_version};
  if (mailbox.empty() || mailbox.size() >= sizeof hello.mailbox) {
    throw std::runtime_error("a mailbox has a name of 1 to 63 bytes");
  }
  mailbox.copy(hello.mailbox, mailbox.size());
  if (path.empty()) path = usual_socket();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("the path of the socket is too long: " + path);
  path.copy(address.sun_path, path.size());

  Connection made;
  made.socket_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (made.socket_ < 0) throw std::runtime_error("no socket: " + reason());
  // A router looks for processes every few milliseconds; one that does not answer in seconds never will.
  const timeval limit{.tv_sec = answer_limit_s, .tv_usec = 0};
  setsockopt(made.socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(made.socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("no router listens at " + path + " (" + reason() +
                             "); start one whose configuration has a mailbox, or set PORTIER_MAILBOX_SOCKET");
  }
  if (send(made.socket_, &hello, sizeof hello, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof hello)) {
    throw std::runtime_error("the router at " + path + " does not listen: " + reason());
  }
  made.receive_welcome(mailbox);
  return made;
}

void Connection::receive_welcome(const std::string& mailbox) {
  crosscore::MailWelcome welcome{};
  iovec part{&welcome, sizeof welcome};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(answer_limit_s);
  ssize_t length = 0;
  do {  // signals of the program's own do not end it
    length = recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
  } while (length < 0 && errno == EINTR && std::chrono::steady_clock::now() < end);
  std::array<int, 2> fds{-1, -1};
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof fds)) {
      std::memcpy(fds.data(), CMSG_DATA(header), sizeof fds);
    }
  }
  event_ = fds[1];
  const auto fail = [&](const std::string& why) {
    close_if_open(fds[0]);
    throw std::runtime_error("mailbox '" + mailbox + "': " + why);
  };
  if (length != static_cast<ssize_t>(sizeof welcome)) fail("the router did not answer");
  welcome.sentence[sizeof welcome.sentence - 1] = '\0';
  if (welcome.magic != crosscore::mail_magic) fail("what listens there is no router");
  if (welcome.is_accepted == 0) fail(welcome.sentence);
  shape_ = welcome.shape;
  if (!shape_.is_sound() || fds[0] < 0 || event_ < 0) fail("the router's answer makes no sense");
  map(fds[0]);
}

void Connection::map(int region_fd) {
  struct stat region {};
  const auto bytes = shape_.region_bytes();
  const bool is_whole = fstat(region_fd, &region) == 0 && static_cast<std::size_t>(region.st_size) == bytes;
  void* const at =
      is_whole ? mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, region_fd, 0) : MAP_FAILED;
  close(region_fd);
  if (at == MAP_FAILED) throw std::runtime_error("the router's memory cannot be mapped: " + reason());
  region_ = static_cast<std::uint8_t*>(at);
}

packet::Bytes payload_of(packet::Bytes frame, const crosscore::SlotFacts& facts) {
  namespace wire = packet::wire;
  constexpr std::uint8_t without = crosscore::flag_later_fragment | crosscore::flag_icmp_error;
  const std::size_t at = facts.l4_and_device & 0x0fff;
  if ((facts.flags & without) != 0 || frame.size() < at + wire::udp_size) return {};
  std::size_t end = frame.size();
  std::size_t header = wire::udp_size;
  if (facts.proto == wire::proto_udp || facts.proto == wire::proto_udplite) {
    const std::size_t length = packet::load16(frame.data() + at + 4);
    if (facts.proto == wire::proto_udp && length >= wire::udp_size) end = std::min(end, at + length);
  } else if (facts.proto == wire::proto_tcp) {
    if (frame.size() < at + wire::tcp_size) return {};
    header = (frame[at + 12] >> 4) * std::size_t{4};
  } else {
    header = wire::sctp_size;
  }
  return at + header <= end ? frame.subspan(at + header, end - at - header) : packet::Bytes{};
}

}  // namespace portier::client
