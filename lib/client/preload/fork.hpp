/// What the library does at the program's start and end, and when it forks.
#pragma once

namespace portier::preload {

/// A daemon's parent has no use for the mailbox; its child connects when it first receives.
void stand_by_forks();
/// Sockets that were bound before this program began, by a supervisor for example.
void adopt_inherited();

}  // namespace portier::preload
