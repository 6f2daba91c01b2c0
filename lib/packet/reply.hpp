/// Answers to frames, written into a caller's buffer: echoes, refusals, neighbour discovery.
#pragma once

#include "packet/reply_echo.hpp"      // IWYU pragma: export
#include "packet/reply_neighbor.hpp"  // IWYU pragma: export
#include "packet/reply_reject.hpp"    // IWYU pragma: export
