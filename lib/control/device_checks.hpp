/// The part of the checks that is about devices: what each is, and that no two are the same.
#pragma once

#include "control/settings.hpp"

namespace portier::control {

void check_devices(const Settings& settings, Faults& found);

}  // namespace portier::control
