// The program's own commands, as it prints them for a person to go on with.
#pragma once

#include <string>

#include "athanor/base/file.h"

namespace athanor {

// " runs=FOLDER", quoted for a shell where it must be; empty for the default, runs. What follows "athanor show RUN".
std::string runs_argument(const fs::path& root);

}  // namespace athanor
