#include "athanor/stage/command.h"

int main(int argc, char** argv) { return athanor::run_command_line(argc, argv); }
