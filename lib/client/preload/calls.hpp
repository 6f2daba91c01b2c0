/// What every file of interposed calls needs: the mark of a call, and the way past them.
#pragma once

#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"

/// In front of the C library's function of the same name. Nothing may be thrown into the program.
#define PORTIER_CALL extern "C" __attribute__((visibility("default")))

// The C library's answer to a buffer that is smaller than the program says: it ends the program.
extern "C" [[noreturn]] void __chk_fail();  // NOLINT(bugprone-reserved-identifier,readability-identifier-naming)
