/// The kernel's way, for contrast: UDP over the loopback, SO_REUSEPORT sockets that one core empties by recvmmsg, while
/// the other core sends by sendmmsg. Needs neither root nor DPDK; the sender's core also runs the kernel's receive
/// path.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "contenders.hpp"
#include "crosscore/counter.hpp"
#include "crosscore/published.hpp"
#include "nic/failure.hpp"
#include "read_frame.hpp"

namespace portier::bench {

namespace {

constexpr std::size_t receivers = 4;
constexpr std::size_t senders = 64;  // as many flows, so that each receiver has its share
constexpr unsigned at_once = 64;
constexpr std::size_t payload_bytes = 18;  // a frame of 60 bytes
constexpr int buffer_bytes = 4 << 20;

class Socket {
 public:
  Socket() : descriptor_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) { check(descriptor_ >= 0, "making a socket"); }
  ~Socket() { ::close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  int descriptor() const { return descriptor_; }
  void set(int option, int value) { setsockopt(descriptor_, SOL_SOCKET, option, &value, sizeof value); }

  static void check(bool is_good, const char* what) {
    if (!is_good) throw nic::Failure(std::string(what) + " failed: " + std::strerror(errno));
  }

 private:
  int descriptor_;
};

/// Room for a call of sendmmsg or recvmmsg.
struct Messages {
  Messages() {
    for (unsigned i = 0; i < at_once; ++i) {
      pieces[i] = {.iov_base = bytes[i].data(), .iov_len = payload_bytes};
      headers[i].msg_hdr.msg_iov = &pieces[i];
      headers[i].msg_hdr.msg_iovlen = 1;
    }
  }
  std::array<std::array<std::uint8_t, 64>, at_once> bytes{};
  std::array<iovec, at_once> pieces{};
  std::array<mmsghdr, at_once> headers{};
};

class KernelUdp final : public Contender {
 public:
  explicit KernelUdp(const Match& match) : match_(match) {}

  void start() override {
    open();
    sent_ = std::make_unique<crosscore::Counter>();
    delivered_ = std::make_unique<crosscore::Counter>();
    phase_.ask(crosscore::Phase::run);
    auto& eal = match_.arena.eal;
    worker_.start(eal, Arena::worker_lcore(0), [this] { work(); });
    sender_.start(eal, Arena::rx_lcore, [this] { send(); });
  }
  std::uint64_t delivered() override { return delivered_->value(); }
  Tally stop() override {
    phase_.ask(crosscore::Phase::stop_receiving);
    sender_.join(match_.arena.eal);
    phase_.ask(crosscore::Phase::drain_workers);
    worker_.join(match_.arena.eal);
    const auto sent = sent_->value();
    const auto delivered = delivered_->value();
    Tally tally{.received = sent, .delivered = delivered, .dropped = {{"socket_full", dropped()}}};
    in_.clear();
    out_.clear();
    return tally;
  }

 private:
  void open() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::size_t i = 0; i < receivers; ++i) {
      auto& in = *in_.emplace_back(std::make_unique<Socket>());
      in.set(SO_REUSEPORT, 1);
      in.set(SO_RCVBUF, buffer_bytes);
      Socket::check(bind(in.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "binding");
      socklen_t length = sizeof address;  // the first one was given a port; the others share it
      getsockname(in.descriptor(), reinterpret_cast<sockaddr*>(&address), &length);
    }
    for (std::size_t i = 0; i < senders; ++i) {
      auto& out = *out_.emplace_back(std::make_unique<Socket>());
      Socket::check(connect(out.descriptor(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0,
                    "connecting");
    }
  }

  void send() {
    Messages messages;
    for (std::size_t i = 0; phase_.asked() == crosscore::Phase::run; i = (i + 1) % senders) {
      const int count = sendmmsg(out_[i]->descriptor(), messages.headers.data(), at_once, 0);
      if (count > 0) sent_->add(static_cast<std::uint64_t>(count));
    }
  }

  /// Over all sockets in turn; what the kernel has queued when the sender has ended is there at once.
  void work() {
    Messages messages;
    std::uint64_t sum = 0;
    for (;;) {
      const bool is_last = phase_.asked() >= crosscore::Phase::drain_workers;
      bool has_worked = false;
      for (const auto& in : in_) {
        const int count = recvmmsg(in->descriptor(), messages.headers.data(), at_once, MSG_DONTWAIT, nullptr);
        if (count <= 0) continue;
        has_worked = true;
        for (int i = 0; i < count; ++i) {
          sum += read_frame(messages.bytes[static_cast<std::size_t>(i)].data(), payload_bytes, match_.options.reads);
        }
        delivered_->add(static_cast<std::uint64_t>(count));
      }
      if (is_last && !has_worked) break;
    }
    sum_.add(sum);
  }

  /// As the sockets count them.
  std::uint64_t dropped() const {
    std::uint64_t sum = 0;
    for (const auto& in : in_) {
      constexpr std::size_t drops = 8;  // SK_MEMINFO_DROPS of linux/sock_diag.h
      std::array<std::uint32_t, drops + 1> memory{};
      socklen_t length = sizeof memory;
      if (getsockopt(in->descriptor(), SOL_SOCKET, SO_MEMINFO, memory.data(), &length) == 0) sum += memory[drops];
    }
    return sum;
  }

  Match match_;
  std::vector<std::unique_ptr<Socket>> in_;
  std::vector<std::unique_ptr<Socket>> out_;
  std::unique_ptr<crosscore::Counter> sent_;
  std::unique_ptr<crosscore::Counter> delivered_;
  crosscore::Counter sum_;
  crosscore::PhaseFlag phase_;
  LcoreJob sender_;
  LcoreJob worker_;
};

}  // namespace

std::unique_ptr<Contender> make_kernel_udp(const Match& match) { return std::make_unique<KernelUdp>(match); }

}  // namespace portier::bench
