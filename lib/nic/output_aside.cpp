/// A memfd in the place of a file descriptor.
#include "nic/output_aside.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace portier::nic {

OutputAside::OutputAside(int descriptor) : descriptor_(descriptor) {
  std::fflush(descriptor_ == STDOUT_FILENO ? stdout : stderr);
  aside_ = memfd_create("portier-aside", MFD_CLOEXEC);
  saved_ = aside_ < 0 ? -1 : dup(descriptor);
  if (saved_ >= 0) dup2(aside_, descriptor);
}

OutputAside::~OutputAside() {
  std::fflush(descriptor_ == STDOUT_FILENO ? stdout : stderr);
  if (saved_ >= 0) {
    dup2(saved_, descriptor_);
    close(saved_);
  }
  if (aside_ >= 0) close(aside_);
}

std::string OutputAside::last_line() const {
  char tail[512];
  const auto size = aside_ < 0 ? 0 : lseek(aside_, 0, SEEK_END);
  const auto from = std::max<off_t>(0, size - static_cast<off_t>(sizeof tail));
  const auto count = size <= 0 ? 0 : pread(aside_, tail, sizeof tail, from);
  std::string text(tail, count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

}  // namespace portier::nic
