/// dlsym for each call, once.
#include "client/preload/kernel.hpp"

#include <dlfcn.h>

namespace portier::preload {

namespace {

// Plain data without a constructor or a guard: dlsym may allocate, and an allocator may read or close files. Threads
// that come here at the same time write the same values.
constinit Kernel found;
constinit bool is_complete = false;

void look_up() {
#define PORTIER_LOOK_UP(name) found.name = reinterpret_cast<decltype(found.name)>(dlsym(RTLD_NEXT, #name));
  PORTIER_KERNEL_CALLS(PORTIER_LOOK_UP)
#undef PORTIER_LOOK_UP
  is_complete = true;
}

}  // namespace

const Kernel& kernel() {
  if (!is_complete) [[unlikely]] {
    look_up();
  }
  return found;
}

}  // namespace portier::preload
