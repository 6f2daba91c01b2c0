/// libbpf behind one owner: the embedded object, its maps and its link.
#include "nic/xdp/share_filter.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <thread>

#include "nic/failure.hpp"
#include "nic/output_aside.hpp"
#include "nic/xdp/attached_program.hpp"
#include "nic/xdp/share_layout.h"
#include "nic/xdp/share_object.hpp"

namespace portier::nic {

namespace {

static_assert(PortSet::transports == share_transports && PortSet::words_per_transport == share_words_per_transport);
static_assert(max_shared_addresses == share_max_addresses);

constexpr auto attach_limit = std::chrono::seconds(2);  // for what a portier that was just killed leaves behind

std::string text_of(int error) { return std::strerror(error < 0 ? -error : error); }

ShareAddress key_of(const SharedAddress& address) {
  ShareAddress key{};
  std::ranges::copy(address.bytes, key.bytes);
  key.version = address.version;
  return key;
}

bool is_same_address(const SharedAddress& a, const SharedAddress& b) {
  return a.version == b.version && a.bytes == b.bytes;
}

void check(int error) {
  if (error != 0) throw Failure("the XDP program of a shared device cannot be told its ports: " + text_of(error));
}

/// A set of ports as a map of the kernel; the program keeps it when this is gone.
class PortMap {
 public:
  explicit PortMap(const PortSet& ports)
      : descriptor_(bpf_map_create(BPF_MAP_TYPE_ARRAY, "portier_set", sizeof(std::uint32_t), sizeof(std::uint64_t),
                                   share_words, nullptr)) {
    if (descriptor_ < 0) check(descriptor_);
    std::vector<std::uint32_t> keys(share_words);
    std::iota(keys.begin(), keys.end(), 0U);
    std::uint32_t count = share_words;
    const int error = bpf_map_update_batch(descriptor_, keys.data(), ports.words().data(), &count, nullptr);
    if (error != 0) close(descriptor_);
    check(error);
  }
  ~PortMap() { close(descriptor_); }
  PortMap(const PortMap&) = delete;
  PortMap& operator=(const PortMap&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string holders_text(const AttachedProgram& program) {
  std::string text;
  for (const auto& holder : program.holders) {
    text += (text.empty() ? "" : ", ") + std::to_string(holder.pid) + " (" + holder.command + ")";
  }
  return text.empty() ? "with no process behind it" : "of process " + text;
}

}  // namespace

struct ShareFilter::Loaded {
  bpf_object* object = nullptr;
  int program = -1;
  int sockets = -1;
  int addresses = -1;
  int ports = -1;
  ~Loaded() { bpf_object__close(object); }
};

ShareFilter::ShareFilter(const ShareLimits& limits)
    : loaded_(std::make_unique<Loaded>()), places_(max_shared_addresses) {
  const OutputAside aside(STDERR_FILENO);
  const auto refuse = [&](const std::string& what) {
    const auto detail = aside.last_line();
    throw Failure("the XDP program cannot be loaded: " + what + (detail.empty() ? "" : "; libbpf says: " + detail) +
                  ": root, or CAP_BPF, CAP_NET_ADMIN and CAP_SYS_ADMIN, and Linux 6.1 or later are needed");
  };
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.object_name = "portier";
  const auto bytes = share_object();
  loaded_->object = bpf_object__open_mem(bytes.data(), bytes.size(), &options);
  if (loaded_->object == nullptr) refuse(text_of(errno));
  const auto map_of = [&](const char* name) {
    auto* map = bpf_object__find_map_by_name(loaded_->object, name);
    if (map == nullptr) refuse(std::string("it has no map ") + name);
    return map;
  };
  bpf_map__set_max_entries(map_of("portier_frags"), std::max(1024U, limits.datagrams));
  const std::uint64_t timeout_ns = std::uint64_t{limits.fragment_timeout_ms} * 1'000'000;
  if (const int error = bpf_map__set_initial_value(map_of(".rodata"), &timeout_ns, sizeof timeout_ns)) {
    refuse(text_of(error));
  }
  if (const int error = bpf_object__load(loaded_->object)) refuse(text_of(error));
  loaded_->program = bpf_program__fd(bpf_object__next_program(loaded_->object, nullptr));
  loaded_->sockets = bpf_map__fd(map_of("xsks_map"));
  loaded_->addresses = bpf_map__fd(map_of("portier_addrs"));
  loaded_->ports = bpf_map__fd(map_of("portier_ports"));
}

ShareFilter::~ShareFilter() { detach(); }

int ShareFilter::program_fd() const { return loaded_->program; }
int ShareFilter::sockets_fd() const { return loaded_->sockets; }

void ShareFilter::attach(const std::string& interface) {
  const auto index = static_cast<int>(if_nametoindex(interface.c_str()));
  if (index == 0) throw Failure("interface '" + interface + "' does not exist: `ip link` lists those that do");
  const OutputAside aside(STDERR_FILENO);
  const auto deadline = std::chrono::steady_clock::now() + attach_limit;
  for (;;) {
    link_ = bpf_link_create(loaded_->program, index, BPF_XDP, nullptr);
    if (link_ >= 0) return;
    if (link_ != -EBUSY && link_ != -EEXIST) break;
    const auto attached = attached_programs(interface);
    if (std::chrono::steady_clock::now() > deadline) {
      if (attached.empty()) break;
      const auto& other = attached.front();
      throw Failure("interface '" + interface + "' carries the XDP program '" + other.name + "' (" +
                    holders_text(other) +
                    "), and there can be only one: end what uses it, or remove it with `ip link set dev " + interface +
                    " xdp off`");
    }
    if (!attached.empty() && attached.front().is_left_over()) {
      try {
        nic::detach(attached.front());
        continue;
      } catch (const Failure&) {  // it is on its way out: a link goes by itself
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  throw Failure("the XDP program cannot be attached to interface '" + interface + "': " + text_of(link_) +
                ": its driver may want a smaller MTU (`ip link set dev " + interface + " mtu 1500`) or fewer queues");
}

void ShareFilter::detach() {
  if (link_ >= 0) close(link_);
  link_ = -1;
}

void ShareFilter::apply(const ShareTable& table) {
  if (table.addresses.size() > max_shared_addresses) {
    throw Failure("a shared device has more addresses than its XDP program can know");
  }
  const auto place_of = [&](const SharedAddress& address) {
    return std::ranges::find_if(
        places_, [&](const Place& place) { return place.is_used && is_same_address(place.address, address); });
  };
  // First what goes: the grace period of each keeps its place from being taken for another's.
  for (std::uint32_t i = 0; i < places_.size(); ++i) {
    const auto is_kept = [&](const SharedAddress& address) { return is_same_address(places_[i].address, address); };
    if (places_[i].is_used && std::ranges::none_of(table.addresses, is_kept)) remove(i);
  }
  std::vector<std::unique_ptr<PortMap>> maps(table.sets.size());
  for (const auto& address : table.addresses) {
    const auto& ports = table.sets[address.set];
    auto place = place_of(address);
    const bool is_known = place != places_.end();
    if (is_known && place->ports == ports) continue;
    if (!is_known) place = std::ranges::find(places_, false, &Place::is_used);
    auto& map = maps[address.set];
    if (map == nullptr) map = std::make_unique<PortMap>(ports);
    const auto index = static_cast<std::uint32_t>(place - places_.begin());
    const auto key = key_of(address);
    const int descriptor = map->descriptor();
    check(bpf_map_update_elem(loaded_->ports, &index, &descriptor, BPF_ANY));
    if (!is_known) check(bpf_map_update_elem(loaded_->addresses, &key, &index, BPF_NOEXIST));
    *place = {.is_used = true, .address = address, .ports = ports};
  }
}

void ShareFilter::remove(std::uint32_t place) {
  const auto key = key_of(places_[place].address);
  check(bpf_map_delete_elem(loaded_->addresses, &key));
  check(bpf_map_delete_elem(loaded_->ports, &place));
  places_[place] = {};
}

std::string unread_queues(const std::string& interface, std::size_t queues) {
  std::error_code ignored;
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/net/" + interface + "/queues", ignored)) {
    found += entry.path().filename().string().starts_with("rx-") ? 1 : 0;
  }
  if (found <= queues) return {};
  return "interface '" + interface + "' has " + std::to_string(found) + " receive queues, and portier reads " +
         std::to_string(queues) + ": what comes by the others stays with the kernel, bound or not; " + "`ethtool -L " +
         interface + " combined " + std::to_string(queues) + "` or more rx_queues make them agree";
}

}  // namespace portier::nic
