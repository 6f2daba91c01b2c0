/// accept, credentials, descriptors over the socket; and the doors of processes that go.
#include "control/mailbox_server.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace portier::control {

namespace {

constexpr std::size_t most_connections = 1024;
constexpr unsigned most_accepted = 64;  // in one look
constexpr auto hello_limit = std::chrono::seconds(1);

std::string reason() { return std::generic_category().message(errno); }

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::runtime_error(
        fmt::format("router.mailbox_socket: '{}' is longer than the {} bytes that the path of a "
                    "socket may have",
                    path, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

/// Somebody answers there.
bool is_alive(const sockaddr_un& address) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool answers = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN;
  close(fd);
  return answers;
}

/// The folder of the socket. One that others may write to, or that is somebody else's, could hold another's socket
/// tomorrow; only /run and what an operator names are trusted as they are.
void make_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  std::filesystem::create_directories(folder, ignored);
  struct stat found {};
  const bool is_shared = folder.parent_path() == "/tmp";
  if (!is_shared || lstat(folder.c_str(), &found) != 0) return;
  if (found.st_uid == geteuid() && S_ISDIR(found.st_mode) && (found.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
  throw std::runtime_error(
      fmt::format("{} is somebody else's, or others may write to it: remove it, or set "
                  "router.mailbox_socket",
                  folder.string()));
}

/// Takes away what a router that is gone has left, and nothing else.
void remove_old_socket(const std::string& path) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return;
  if (!S_ISSOCK(found.st_mode)) {
    throw std::runtime_error(fmt::format("router.mailbox_socket: {} exists and is no socket; name another path", path));
  }
  unlink(path.c_str());
}

bool read_peer(int fd, handlers::Peer& peer) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return false;
  peer.pid = credentials.pid;
  peer.user = credentials.uid;
  std::vector<gid_t> groups(256);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
    groups.resize(size / sizeof(gid_t));
    peer.groups = std::move(groups);
  }
  peer.groups.push_back(credentials.gid);
  return true;
}

/// Sends the answer, with descriptors where there is a link.
bool send_welcome(int fd, const crosscore::MailWelcome& welcome, const handlers::MailLink* link) {
  iovec part{const_cast<crosscore::MailWelcome*>(&welcome), sizeof welcome};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))]{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (link != nullptr) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    auto* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(2 * sizeof(int));
    const int fds[2] = {link->region_fd(), link->event_fd()};
    std::memcpy(CMSG_DATA(header), fds, sizeof fds);
  }
  return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(sizeof welcome);
}

}  // namespace

std::string default_mailbox_socket() {
  if (const char* said = std::getenv("PORTIER_MAILBOX_SOCKET"); said != nullptr && *said != '\0') return said;
  if (geteuid() == 0) return "/run/portier/mailbox.sock";
  if (const char* runtime = std::getenv("XDG_RUNTIME_DIR"); runtime != nullptr && *runtime != '\0') {
    return fmt::format("{}/portier/mailbox.sock", runtime);
  }
  return fmt::format("/tmp/portier-{}/mailbox.sock", geteuid());
}

MailboxServer::MailboxServer(handlers::Mailroom& mailroom, std::string path, ShapeOf shape_of, std::uint64_t tsc_hz)
    : mailroom_(mailroom), path_(std::move(path)), shape_of_(std::move(shape_of)), tsc_hz_(tsc_hz) {}

MailboxServer::~MailboxServer() {
  for (auto& connection : connections_) close(connection.fd);
  if (listener_ < 0) return;
  close(listener_);
  unlink(path_.c_str());
}

void MailboxServer::open() {
  const auto address = address_of(path_);
  make_folder(std::filesystem::path(path_).parent_path());
  if (is_alive(address)) {
    throw std::runtime_error(
        fmt::format("another router listens at {}; give this one a router.mailbox_socket of its "
                    "own",
                    path_));
  }
  remove_old_socket(path_);
  listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  // Everybody may knock: who is let in is decided by the kernel's word about the process.
  const bool is_open = listener_ >= 0 &&
                       bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                       chmod(path_.c_str(), 0666) == 0 && listen(listener_, 64) == 0;
  if (is_open) return;
  const auto why = reason();
  if (listener_ >= 0) close(std::exchange(listener_, -1));
  throw std::runtime_error(
      fmt::format("the socket for mailboxes, {}, cannot be opened: {}; set router.mailbox_socket to "
                  "a path that can",
                  path_, why));
}

std::vector<Event> MailboxServer::look() {
  if (listener_ < 0) return {};
  const auto now = Clock::now();
  accept_some();
  for (auto& connection : connections_) {
    const bool is_late = connection.link == nullptr && now - connection.since > hello_limit;
    if (is_late || !hear(connection)) close_connection(connection);
  }
  std::erase_if(connections_, [](const Connection& connection) { return connection.fd < 0; });
  mailroom_.for_each([&](handlers::Mailbox& mailbox) { look_after(mailbox, now); });
  return std::exchange(events_, {});
}

void MailboxServer::accept_some() {
  for (unsigned i = 0; i < most_accepted && connections_.size() < most_connections; ++i) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;  // nobody waits, or there are no descriptors left: they wait until there are
    Connection connection{.fd = fd, .since = Clock::now()};
    if (read_peer(fd, connection.peer)) connections_.push_back(std::move(connection));
    else close(fd);
  }
}

bool MailboxServer::hear(Connection& connection) {
  crosscore::MailHello hello;
  const auto length = recv(connection.fd, &hello, sizeof hello, MSG_DONTWAIT | MSG_TRUNC);
  if (length < 0) return errno == EAGAIN || errno == EINTR;
  // Who has been let in has nothing more to say, and nobody says anything but a hello.
  if (connection.link != nullptr || length != static_cast<ssize_t>(sizeof hello)) return false;
  return let_in(connection, hello);
}

bool MailboxServer::let_in(Connection& connection, const crosscore::MailHello& hello) {
  crosscore::MailWelcome welcome{.magic = crosscore::mail_magic, .version = crosscore::mail_version};
  std::string why;
  if (hello.magic != crosscore::mail_magic || hello.version != crosscore::mail_version) {
    why = fmt::format("this router speaks version {} of the mailbox protocol, and the client version {}",
                      crosscore::mail_version, hello.version);
  } else if (memchr(hello.mailbox, 0, sizeof hello.mailbox) == nullptr) {
    why = "the name of the mailbox has no end";
  } else {
    why = refusal(connection, hello.mailbox);
  }
  if (why.empty()) {
    welcome.is_accepted = 1;
    welcome.shape = connection.link->shape();
    if (send_welcome(connection.fd, welcome, connection.link.get())) {
      events_.push_back({connection.mailbox,
                         fmt::format("mailbox '{}': process {} has come", connection.mailbox, connection.peer.pid)});
      return true;
    }
    return false;
  }
  const auto length = std::min(why.size(), sizeof welcome.sentence - 1);
  std::memcpy(welcome.sentence, why.data(), length);
  send_welcome(connection.fd, welcome, nullptr);
  return false;
}

/// Empty: the process has its place. Otherwise why it cannot.
std::string MailboxServer::refusal(Connection& connection, const std::string& name) {
  return mailroom_.with(name, [&](handlers::Mailbox* mailbox) -> std::string {
    // A stranger does not learn which names exist.
    const bool exists = mailbox != nullptr && mailbox->is_in_use();
    if (exists && !may_connect(mailbox->options(), connection.peer, geteuid())) {
      events_.push_back({name, fmt::format("mailbox '{}': process {} of user {} was refused; allow_users or "
                                           "allow_groups would let it in",
                                           name, connection.peer.pid, connection.peer.user)});
    }
    if (!exists || !may_connect(mailbox->options(), connection.peer, geteuid())) {
      return "there is no such mailbox for this user; look at the names after mailbox = in the router's "
             "configuration, and at their allow_users and allow_groups";
    }
    try {
      connection.link = std::make_shared<handlers::MailLink>(shape_of_(mailbox->options().slots), tsc_hz_);
      connection.place = mailbox->join(connection.link);
      connection.mailbox = name;
      return {};
    } catch (const std::exception& fault) {
      connection.link = nullptr;
      return fault.what();
    }
  });
}

void MailboxServer::look_after(handlers::Mailbox& mailbox, Clock::time_point now) {
  const auto& name = mailbox.options().name;
  for (auto& connection : connections_) {
    if (connection.mailbox != name || connection.link == nullptr) continue;
    const bool is_broken = connection.link->is_broken();
    if (is_broken) {
      events_.push_back({name, fmt::format("mailbox '{}': process {} has written nonsense into its rings and was shown "
                                           "out",
                                           name, connection.peer.pid)});
    }
    if (!is_broken && mailbox.is_in_use()) continue;
    mailbox.leave(connection.place);
    close(std::exchange(connection.fd, -1));
  }
  std::erase_if(connections_, [](const Connection& connection) { return connection.fd < 0; });
  for (const auto& change : mailbox.watch(now)) {
    const auto who = std::ranges::find_if(connections_, [&](const Connection& connection) {
      return connection.mailbox == name && connection.link != nullptr && connection.place == change.place;
    });
    if (who == connections_.end()) continue;
    events_.push_back({name, fmt::format("mailbox '{}': process {} {}", name, who->peer.pid,
                                         change.is_stalled ? "has stopped taking packets" : "takes packets again")});
  }
  mailbox.wake_sleepers();
  mailbox.tidy();
}

void MailboxServer::close_connection(Connection& connection) {
  if (connection.link != nullptr) {
    mailroom_.with(connection.mailbox, [&](handlers::Mailbox* mailbox) { mailbox->leave(connection.place); });
    events_.push_back(
        {connection.mailbox, fmt::format("mailbox '{}': process {} is gone", connection.mailbox, connection.peer.pid)});
  }
  close(std::exchange(connection.fd, -1));
}

}  // namespace portier::control
