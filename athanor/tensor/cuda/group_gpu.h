// The half of the GPU unit's table that speaks to NCCL (device/unit.h says what each call does).
#pragma once

#include "athanor/tensor/device/unit.h"

namespace athanor {

void add_group_calls(GpuUnit& unit);

}  // namespace athanor
