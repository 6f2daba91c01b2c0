/// Asks the kernel for programs, and /proc for who has them open.
#include "nic/xdp/attached_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

#include "nic/failure.hpp"

namespace portier::nic {

namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

struct Found {
  AttachedProgram program;
  std::vector<std::uint32_t> maps;
};

/// What the kernel says of a program; its maps are those that sockets may be in, and all others.
std::optional<Found> find(int index, const std::string& interface) {
  bpf_xdp_query_opts query{};
  query.sz = sizeof query;
  if (bpf_xdp_query(index, 0, &query) != 0) return std::nullopt;
  // The one that says what becomes of packets, where there are several.
  const auto id = query.hw_prog_id != 0    ? query.hw_prog_id
                  : query.drv_prog_id != 0 ? query.drv_prog_id
                  : query.skb_prog_id != 0 ? query.skb_prog_id
                                           : query.prog_id;
  if (id == 0) return std::nullopt;
  Found found;
  found.program.interface = interface;
  found.program.id = id;
  const Descriptor program(bpf_prog_get_fd_by_id(id));
  if (program.get() < 0) {
    if (program.get() == -ENOENT) return std::nullopt;  // gone in between
    throw Failure("the XDP program of interface '" + interface + "' cannot be looked at (" +
                  std::strerror(-program.get()) + "): run it as root");
  }
  found.maps.resize(64);
  bpf_prog_info info{};
  info.map_ids = reinterpret_cast<std::uintptr_t>(found.maps.data());
  info.nr_map_ids = static_cast<std::uint32_t>(found.maps.size());
  std::uint32_t size = sizeof info;
  if (bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return std::nullopt;
  found.maps.resize(std::min<std::size_t>(info.nr_map_ids, found.maps.size()));
  found.program.name = info.name;
  bool has_sockets = false;
  for (const auto map_id : found.maps) {
    const Descriptor map(bpf_map_get_fd_by_id(map_id));
    bpf_map_info map_info{};
    std::uint32_t map_size = sizeof map_info;
    if (map.get() < 0 || bpf_obj_get_info_by_fd(map.get(), &map_info, &map_size) != 0) continue;
    has_sockets = has_sockets || map_info.type == BPF_MAP_TYPE_XSKMAP;
  }
  found.program.is_for_sockets = has_sockets && found.program.name == "xsk_def_prog";
  return found;
}

/// The number behind `key` in a file of /proc/PID/fdinfo.
std::optional<std::uint32_t> number_of(const std::string& text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string::npos) return std::nullopt;
  return static_cast<std::uint32_t>(std::strtoul(text.c_str() + at + key.size(), nullptr, 10));
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether a descriptor is of the program itself, of a link that holds it, or of one of its maps.
bool holds(const fs::path& process, const fs::path& descriptor, const Found& found) {
  const auto text = content_of(process / "fdinfo" / descriptor.filename());
  if (number_of(text, "prog_id:") == found.program.id) return true;
  const auto map = number_of(text, "map_id:");
  return map && std::ranges::find(found.maps, *map) != found.maps.end();
}

void find_holders(std::vector<Found>& all) {
  std::error_code ignored;
  for (const auto& process : fs::directory_iterator("/proc", ignored)) {
    const int pid = std::atoi(process.path().filename().c_str());
    if (pid <= 0) continue;
    for (const auto& descriptor : fs::directory_iterator(process.path() / "fd", ignored)) {
      if (!fs::read_symlink(descriptor, ignored).string().starts_with("anon_inode:bpf")) continue;
      for (auto& found : all) {
        auto& holders = found.program.holders;
        if (!holders.empty() && holders.back().pid == pid) continue;
        if (!holds(process.path(), descriptor.path(), found)) continue;
        auto command = content_of(process.path() / "comm");
        if (!command.empty() && command.back() == '\n') command.pop_back();
        holders.push_back({pid, std::move(command)});
      }
    }
  }
}

std::vector<AttachedProgram> with_holders(std::vector<Found> all) {
  if (!all.empty()) find_holders(all);
  std::vector<AttachedProgram> programs;
  for (auto& found : all) programs.push_back(std::move(found.program));
  return programs;
}

}  // namespace

std::vector<AttachedProgram> attached_programs(const std::string& interface) {
  std::vector<Found> all;
  const auto index = static_cast<int>(if_nametoindex(interface.c_str()));
  if (index != 0) {
    if (auto found = find(index, interface)) all.push_back(std::move(*found));
  }
  return with_holders(std::move(all));
}

std::vector<AttachedProgram> attached_programs() {
  std::vector<Found> all;
  struct if_nameindex* const names = if_nameindex();
  if (names == nullptr) throw Failure(std::string("the interfaces cannot be listed: ") + std::strerror(errno));
  try {
    for (auto* at = names; at->if_index != 0; ++at) {
      if (auto found = find(static_cast<int>(at->if_index), at->if_name)) all.push_back(std::move(*found));
    }
  } catch (...) {
    if_freenameindex(names);
    throw;
  }
  if_freenameindex(names);
  return with_holders(std::move(all));
}

void detach(const AttachedProgram& program) {
  const auto index = static_cast<int>(if_nametoindex(program.interface.c_str()));
  const Descriptor descriptor(bpf_prog_get_fd_by_id(program.id));
  bpf_xdp_query_opts query{};
  query.sz = sizeof query;
  if (index == 0 || descriptor.get() < 0 || bpf_xdp_query(index, 0, &query) != 0) return;  // gone
  const std::uint32_t mode = query.hw_prog_id == program.id    ? XDP_FLAGS_HW_MODE
                             : query.skb_prog_id == program.id ? XDP_FLAGS_SKB_MODE
                                                               : XDP_FLAGS_DRV_MODE;
  bpf_xdp_attach_opts options{};
  options.sz = sizeof options;
  options.old_prog_fd = descriptor.get();
  if (const int error = bpf_xdp_detach(index, mode, &options); error != 0) {
    throw Failure("the XDP program '" + program.name + "' cannot be removed from interface '" + program.interface +
                  "': " + std::strerror(-error));
  }
}

}  // namespace portier::nic
