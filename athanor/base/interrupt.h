// Ctrl-C and SIGTERM as a flag that long work polls: the first asks for an orderly stop (state is saved),
// the second ends the process at once.
#pragma once

namespace athanor {

void catch_interrupts();  // installs the handlers; once, from main
// Back to the system's own way, the end at once: for commands that have nothing to save.
void leave_interrupts();
bool interrupted();
void check_interrupt();  // throws Error(kInterrupted) when interrupted

}  // namespace athanor
