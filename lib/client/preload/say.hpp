/// Lines on the program's standard error, as long as that is what it was when the program began.
#pragma once

#include <string>

namespace portier::preload {

/// Looks at descriptor 2: a daemon may use the number for something else later.
void note_stderr();
void say(const std::string& sentence);

}  // namespace portier::preload
