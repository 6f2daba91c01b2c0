/// `device`: a service delivered by another device, and the way of the answers back to its clients.
#pragma once

#include <memory>

#include "datapath/handler.hpp"
#include "handlers/link_board.hpp"

namespace portier::handlers {

/// Sends packets as they came by another device. Absent while the link of that device is down.
std::unique_ptr<datapath::Handler> make_device_target(const datapath::HandlerContext& context, LinkBoard& links);

/// Sends what came back, with the options of the target that the service has for that device.
std::unique_ptr<datapath::Handler> make_device_return(const datapath::HandlerContext& context);

/// Only reads the options; for checks, and for routers without devices, which it refuses.
std::unique_ptr<datapath::Handler> check_device(const datapath::HandlerContext& context);

}  // namespace portier::handlers
