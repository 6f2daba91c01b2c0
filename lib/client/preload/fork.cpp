/// pthread_atfork, a constructor and a destructor.
#include "client/preload/fork.hpp"

#include <dirent.h>
#include <pthread.h>

#include <charconv>
#include <cstring>
#include <vector>

#include "client/preload/epolls.hpp"
#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"
#include "client/preload/say.hpp"
#include "client/preload/settings.hpp"

namespace portier::preload {

void stand_by_forks() {
  pthread_atfork(
      [] {
        epolls().lock_all();
        registry().lock_all();
      },
      [] {
        registry().unlock_all(false);
        epolls().unlock_all();
      },
      [] {
        registry().forget_parents();
        epolls().forget_parents();
        registry().unlock_all(true);
        epolls().unlock_all();
      });
}

void adopt_inherited() {
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return;
  std::vector<int> open;
  while (const auto* entry = readdir(folder)) {
    int fd = -1;
    std::from_chars(entry->d_name, entry->d_name + std::strlen(entry->d_name), fd);
    if (fd > STDERR_FILENO) open.push_back(fd);
  }
  closedir(folder);
  for (const int fd : open) registry().adopt(fd);
}

namespace {

__attribute__((constructor)) void begin() {
  kernel();
  if (settings().mailbox.empty()) return;
  note_stderr();
  stand_by_forks();
  adopt_inherited();
}

__attribute__((destructor)) void end() {
  if (settings().mailbox.empty() || !settings().is_verbose) return;
  if (const auto report = registry().report(); !report.empty()) say(report);
}

}  // namespace

}  // namespace portier::preload
