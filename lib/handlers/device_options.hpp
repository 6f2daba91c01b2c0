/// What `deliver = { device = "backend0", ... }` says.
#pragma once

#include <cstdint>

#include "datapath/handler.hpp"
#include "handlers/registry.hpp"

namespace portier::handlers {

struct DeviceOptions {
  std::uint8_t device = 0;   ///< by which packets leave
  std::uint8_t clients = 0;  ///< by which answers leave: `clients = "lan"`, or the only other device

  /// Throws `std::invalid_argument` with a sentence about what is wrong.
  static DeviceOptions read(const datapath::HandlerContext& context);
};

extern const TargetText device_text;

}  // namespace portier::handlers
