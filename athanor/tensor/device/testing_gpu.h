// GPUs for tests: the machine's own where the gpu preset was built and there are enough, else those of testing_fake_gpu.h, which
// one file of the test program includes.
#pragma once

#include <c10/core/Device.h>

#include "athanor/run/launch.h"

namespace athanor {

// So many GPUs of the tests, and none of the machine's.
void use_fake_gpu(int num_devices = 1);
at::Device use_any_gpu();
// Of one process of several: its own.
at::Device use_own_gpu(const Launch& launch);

}  // namespace athanor
