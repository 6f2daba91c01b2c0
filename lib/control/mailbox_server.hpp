/// The door for other processes: a UNIX socket by which they get their part of a mailbox's memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/event.hpp"
#include "crosscore/mail_region.hpp"
#include "handlers/mailroom.hpp"

namespace portier::control {

/// Where processes look for a router that says nothing else: $PORTIER_MAILBOX_SOCKET, for root
/// /run/portier/mailbox.sock, for others $XDG_RUNTIME_DIR/portier/mailbox.sock, or /tmp/portier-UID/mailbox.sock.
std::string default_mailbox_socket();

/// Belongs to the control thread that calls `look`, a few hundred times a second. Never blocks.
class MailboxServer {
 public:
  /// `shape_of`: the memory for a process, by how many slots of a ring may be full.
  using ShapeOf = std::function<crosscore::MailShape(std::uint32_t slots)>;
  MailboxServer(handlers::Mailroom& mailroom, std::string path, ShapeOf shape_of, std::uint64_t tsc_hz);
  ~MailboxServer();
  MailboxServer(const MailboxServer&) = delete;
  MailboxServer& operator=(const MailboxServer&) = delete;

  /// Opens the socket. Throws `std::runtime_error` with a sentence, also when another router listens there.
  void open();
  bool is_open() const { return listener_ >= 0; }

  /// Lets processes in and out, and looks after those that are there. Returns what has happened.
  std::vector<Event> look();

 private:
  using Clock = std::chrono::steady_clock;
  /// A connection; with a link once it has been let in.
  struct Connection {
    int fd = -1;
    Clock::time_point since;
    handlers::Peer peer;
    std::string mailbox;
    std::size_t place = 0;
    std::shared_ptr<handlers::MailLink> link;
  };

  void accept_some();
  /// False: the connection is over.
  bool hear(Connection& connection);
  bool let_in(Connection& connection, const crosscore::MailHello& hello);
  std::string refusal(Connection& connection, const std::string& name);
  void look_after(handlers::Mailbox& mailbox, Clock::time_point now);
  void close_connection(Connection& connection);

  handlers::Mailroom& mailroom_;
  std::string path_;
  ShapeOf shape_of_;
  std::uint64_t tsc_hz_;
  int listener_ = -1;
  std::vector<Connection> connections_;
  std::vector<Event> events_;
};

}  // namespace portier::control
