// Ctrl-C and SIGTERM as a flag that long work polls: the first asks for an orderly stop (state is saved),
// the second ends the process at once.
#pragma once

namespace athanor {

void catch_interrupts();  // installs the handlers; once, from main
bool interrupted();
void check_interrupt();  // throws Error(kInterrupted) when interrupted

}  // namespace athanor
