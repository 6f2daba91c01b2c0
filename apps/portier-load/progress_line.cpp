/// Redraws by carriage return, on stderr.
#include "progress_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace portier::load {

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const TrialProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || now - shown_at_ < std::chrono::milliseconds(100)) return;
  shown_at_ = now;
  const double left_s = std::max(0.0, progress.duration_s - progress.elapsed_s);
  const auto line = fmt::format("{}  {:.1f} of {:.1f} s, {:.1f} s left  sent {}  back {}", phase_,
                                std::min(progress.elapsed_s, progress.duration_s), progress.duration_s, left_s,
                                progress.sent, progress.received);
  fmt::print(stderr, "\r{}\033[K", line);
  std::fflush(stderr);
  is_shown_ = true;
}

void ProgressLine::clear() {
  if (!is_shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  is_shown_ = false;
}

}  // namespace portier::load
