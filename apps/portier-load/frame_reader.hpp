/// A received frame read back: which packet of ours it is, or what answer to one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mark.hpp"
#include "packet/bytes.hpp"
#include "packet/facts.hpp"
#include "service_list.hpp"

namespace portier::load {

enum class ReadAs : std::uint8_t {
  ours,     ///< `mark` says which
  syn,      ///< a SYN of ours or an answer to it; of `mark` the service and 24 bits of the sequence count
  damaged,  ///< a port and the service in its mark are ours, but the check or the payload is wrong
  foreign,
};

enum class Answer : std::uint8_t { none, syn_ack, reset, unreachable };

struct ReadFrame {
  ReadAs as = ReadAs::foreign;
  Answer answer = Answer::none;
  std::uint16_t service = 0xffff;  ///< of an answer, also where the packet itself could not be told
  Mark mark;
};

class FrameReader {
 public:
  FrameReader(const std::vector<LoadService>& services, const MarkKey& key);

  ReadFrame read(packet::Bytes frame) const;

 private:
  ReadFrame read_transport(packet::Bytes frame, const packet::Facts& facts) const;
  ReadFrame read_mark(packet::Bytes payload, const packet::Facts& facts) const;
  ReadFrame read_tcp(packet::Bytes frame, const packet::Facts& facts) const;
  ReadFrame read_unreachable(packet::Bytes frame, const packet::Facts& facts) const;
  /// The service that owns a port; `no_service`: none.
  std::uint16_t owner(std::uint8_t proto, std::uint16_t port) const;
  bool is_syn_of_ours(std::uint32_t number, std::uint16_t service) const;

  static constexpr std::uint16_t no_service = 0xffff;

  const std::vector<LoadService>& services_;
  MarkKey key_;
  std::array<std::vector<std::uint16_t>, 2> owners_;  ///< by port; of UDP, of TCP
  std::vector<std::uint8_t> filler_;                  ///< what stands behind a mark
};

}  // namespace portier::load
