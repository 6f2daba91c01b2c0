/// Whether a program heeds LD_PRELOAD.
#pragma once

#include <string>

namespace portier::app {

/// Empty, or why not: statically linked, or run with another user's rights. Scripts are their interpreter's affair.
std::string why_not_preloadable(const std::string& path);

}  // namespace portier::app
