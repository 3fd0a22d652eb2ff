// The part of the GPU unit's table that captures and replays (device/unit.h says what each call does).
#pragma once

#include "athanor/tensor/device/unit.h"

namespace athanor {

constexpr int kGraphError = -100;  // no code of CUDA's: LibTorch throws words

void add_graph_calls(GpuUnit& unit);
// Of this thread's last call that gave kGraphError.
const char* graph_error_text();

}  // namespace athanor
