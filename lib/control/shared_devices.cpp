/// Tables of the old and the new settings, device by device.
#include "control/shared_devices.hpp"

#include <algorithm>

#include "control/share_plan.hpp"

namespace portier::control {

void SharedDevices::take(const Settings& settings) {
  tables_.resize(devices_.size());
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    if (!devices_[d]->is_shared()) continue;
    auto wanted = plan_share(settings, settings.devices[d]);
    if (wanted == tables_[d]) continue;
    devices_[d]->share(wanted);
    tables_[d] = std::move(wanted);
  }
}

bool SharedDevices::give_back_unbound(const Settings& settings) {
  bool gave_back = false;
  for (std::size_t d = 0; d < tables_.size(); ++d) {
    if (!devices_[d]->is_shared()) continue;
    auto kept = shared_by_both(tables_[d], plan_share(settings, settings.devices[d]));
    if (kept == tables_[d]) continue;
    devices_[d]->share(kept);
    tables_[d] = std::move(kept);
    gave_back = true;
  }
  return gave_back;
}

bool SharedDevices::give_back_all() {
  bool gave_back = false;
  for (std::size_t d = 0; d < tables_.size(); ++d) {
    if (!devices_[d]->is_shared()) continue;
    devices_[d]->share({});
    tables_[d] = {};
    gave_back = true;
  }
  return gave_back;
}

unsigned SharedDevices::queue_packets() const {
  unsigned most = 0;
  for (const auto& device : devices_) {
    if (device->is_shared()) most = std::max(most, device->rx_descriptors());
  }
  return most;
}

}  // namespace portier::control
