/// Something that an operator wants to know while a router runs.
#pragma once

#include <string>

namespace portier::control {

struct Event {
  std::string about;     ///< the service or the mailbox
  std::string sentence;  ///< whole, with its name
};

}  // namespace portier::control
