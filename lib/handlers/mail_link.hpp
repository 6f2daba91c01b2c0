/// What one process shares with the router: its memory, its event, and for each core the router's side of two rings.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "crosscore/counter.hpp"
#include "crosscore/mail_region.hpp"
#include "table/binding.hpp"

namespace portier::handlers {

/// What was put into a ring and has not ended yet, in order. The process can write all over the ring, so what a packet
/// was when it went in is kept here.
class MailLog {
 public:
  struct Entry {
    std::uint32_t end = 0;  ///< position behind the packet, low 32 bits
    table::ServiceId service = 0;
    std::uint16_t bytes = 0;
  };

  /// `capacity`: slots that may be full, and so packets in the ring at most. As many again may have been taken since
  /// the log was last looked through.
  explicit MailLog(std::size_t capacity) : entries_(2 * std::bit_ceil(capacity)) {}

  bool is_full() const { return back_ - front_ == entries_.size(); }
  void push(const Entry& entry) { entries_[back_++ & (entries_.size() - 1)] = entry; }
  bool is_empty() const { return front_ == back_; }
  const Entry& front() const { return entries_[front_ & (entries_.size() - 1)]; }
  void pop() { front_ += 1; }

 private:
  std::vector<Entry> entries_;
  std::size_t front_ = 0;
  std::size_t back_ = 0;
};

/// One core's side. Read and written by that core alone, so each lies on lines of its own.
struct alignas(crosscore::cache_line) MailEnd {
  MailEnd(const crosscore::MailRingPlace& there, const crosscore::MailRingPlace& back)
      : out(there), in(back), log(there.capacity) {}

  bool is_broken() const { return out.is_broken() || in.is_broken(); }

  crosscore::MailProducer out;
  crosscore::MailConsumer in;
  MailLog log;
  std::uint64_t woken_at = 0;  ///< position when the process was last woken
  crosscore::Gauge broken;     ///< read by control: the process has said what cannot be
};

class MailLink {
 public:
  /// Makes the memory and the event. The process gets them as descriptors; it can neither shrink nor grow the memory,
  /// so no access of the router can fail. Throws `std::system_error`.
  MailLink(const crosscore::MailShape& shape, std::uint64_t tsc_hz);
  ~MailLink();
  MailLink(const MailLink&) = delete;
  MailLink& operator=(const MailLink&) = delete;

  const crosscore::MailShape& shape() const { return shape_; }
  std::uint8_t* region() const { return region_; }
  int region_fd() const { return region_fd_; }
  int event_fd() const { return event_fd_; }
  MailEnd& end(std::size_t core) { return *ends_[core]; }

  /// The process waits for its event.
  bool sleeps() const;
  /// Wakes it: a system call.
  void wake() const;

  // ---- control: what the memory says, which need not be true ----

  /// Something was published and not taken.
  bool has_mail() const;
  /// The sum of what the process says that it has taken, for the question whether that moves.
  std::uint64_t progress() const;
  bool is_broken() const;

 private:
  crosscore::MailShape shape_;
  int region_fd_ = -1;
  int event_fd_ = -1;
  std::uint8_t* region_ = nullptr;
  std::vector<std::unique_ptr<MailEnd>> ends_;  ///< by core
};

}  // namespace portier::handlers
