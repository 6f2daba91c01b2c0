/// What went wrong with EAL or a device, as one sentence that says what to do. Control path only.
#pragma once

#include <stdexcept>

namespace portier::nic {

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace portier::nic
