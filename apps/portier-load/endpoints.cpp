/// Endpoints by number: ports first, then addresses.
#include "endpoints.hpp"

#include <algorithm>
#include <bit>

#include "packet/bytes.hpp"

namespace portier::load {

namespace {

std::uint32_t in_network_order(std::uint32_t value) { return __builtin_bswap32(value); }

std::uint32_t last_word(const packet::Address& address) {
  return packet::load32(address.bytes.data() + address.size() - 4);
}

}  // namespace

Endpoints::Endpoints(const SourceRange& range, std::uint32_t flows, double churn_per_s)
    : range_(range), churn_per_s_(churn_per_s), places_(flows) {
  restart();
}

void Endpoints::restart() {
  renewed_ = 0;
  for (std::size_t place = 0; place < places_.size(); ++place) places_[place] = make(place, 0);
}

void Endpoints::renew(double seconds) {
  const auto due = static_cast<std::uint64_t>(std::max(0.0, seconds * churn_per_s_));
  for (std::size_t done = 0; renewed_ < due && done < places_.size(); ++done, ++renewed_) {
    places_[renewed_ % places_.size()] = make(places_.size() + renewed_, 1 + renewed_ / places_.size());
  }
}

Endpoint Endpoints::make(std::uint64_t number, std::uint64_t generation) const {
  const auto port = static_cast<std::uint32_t>(number % range_.ports);
  const auto host = number / range_.ports;
  Endpoint endpoint;
  endpoint.address[0] =
      in_network_order(last_word(range_.first4) + static_cast<std::uint32_t>(host % range_.addresses4));
  endpoint.address[1] =
      in_network_order(last_word(range_.first6) + static_cast<std::uint32_t>(host % range_.addresses6));
  endpoint.port = __builtin_bswap16(static_cast<std::uint16_t>(range_.first_port + port));
  endpoint.generation = static_cast<std::uint8_t>(generation & 15);
  return endpoint;
}

}  // namespace portier::load
