/// Which packets of a service have come: loss, duplicates and order, in memory that does not grow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace portier::load {

enum class Arrival : std::uint8_t {
  fresh,      ///< the first of its sequence number
  duplicate,  ///< it has come before
  late,       ///< so far behind the newest that nobody remembers whether it has come
};

/// A bitmap over the last sequence numbers, sliding with the highest one that has come.
class SequenceWindow {
 public:
  /// `bits`: a power of two, at least 128. The last `bits - 64` numbers are remembered.
  explicit SequenceWindow(std::size_t bits) : words_(bits / 64), mask_(bits - 1) {}

  Arrival add(std::uint64_t sequence) {
    auto& word = words_[(sequence & mask_) / 64];
    const std::uint64_t bit = std::uint64_t{1} << sequence % 64;
    if (sequence >= next_) {
      make_room(sequence);
      word |= bit;
      next_ = sequence + 1;
      return Arrival::fresh;
    }
    if (next_ - sequence > mask_ + 1 - 64) return Arrival::late;
    if ((word & bit) != 0) return Arrival::duplicate;
    word |= bit;
    return Arrival::fresh;
  }

  /// One above the highest number so far.
  std::uint64_t next() const { return next_; }

 private:
  /// Forgets what the words were used for one round ago, for all that begin in [next_, sequence].
  void make_room(std::uint64_t sequence) {
    auto first = (next_ + 63) / 64;
    const auto last = sequence / 64;
    if (last + 1 - first > words_.size() && last >= first) first = last + 1 - words_.size();
    for (auto word = first; word <= last; ++word) words_[word % words_.size()] = 0;
  }

  std::vector<std::uint64_t> words_;
  std::uint64_t mask_;
  std::uint64_t next_ = 0;
};

/// Reordering as RFC 4737 defines it, per flow: a packet is reordered when one that was sent later has come before it.
class FlowOrder {
 public:
  explicit FlowOrder(std::size_t flows) : next_(flows), mask_((flows & (flows - 1)) == 0 ? flows - 1 : 0) {}

  /// True: reordered. Numbers are those of the service, of which its flows take turns. A flow that has taken another's
  /// place (another generation, modulo 16) starts anew; a straggler of the old one is not compared with the new.
  bool add(std::uint64_t sequence, std::uint8_t generation) {
    auto& entry = next_[mask_ != 0 ? sequence & mask_ : sequence % next_.size()];
    const auto known = static_cast<std::uint8_t>(entry >> 60);
    const std::uint64_t expected = entry & sequence_mask;
    if (generation != known && expected != 0) {
      if (((generation - known) & 15) >= 8) return false;
      entry = std::uint64_t{generation} << 60 | (sequence + 1);
      return false;
    }
    if (sequence < expected) return true;
    entry = std::uint64_t{generation} << 60 | (sequence + 1);
    return false;
  }

 private:
  static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << 60) - 1;

  std::vector<std::uint64_t> next_;  ///< generation (4 bits) and one above the highest number of the flow (60 bits)
  std::uint64_t mask_;               ///< 0: the number of flows is no power of two, or 1
};

}  // namespace portier::load
