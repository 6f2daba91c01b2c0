/// Redraws by carriage return, on stderr.
#include "progress_line.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "report_units.hpp"

namespace portier::load {

namespace {

/// A line that wraps cannot be drawn over.
std::size_t terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col : 80;
}

}  // namespace

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const TrialProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (!is_terminal_ || now - shown_at_ < std::chrono::milliseconds(100)) return;
  shown_at_ = now;
  const double left_s = std::max(0.0, (left_s_ > 0 ? left_s_ : progress.duration_s) - progress.elapsed_s);
  auto line = fmt::format("{}  {} left  {} sent  {} back", phase_, duration_text(std::ceil(left_s)),
                          count_text(progress.sent), count_text(progress.received));
  line.resize(std::min(line.size(), terminal_columns() - 1));
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
