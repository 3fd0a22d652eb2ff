// Precompiled for the rooms below the torch line: the light form only (no <torch/...>, no <ATen/ATen.h>).
#pragma once
#include "cmake/pch_core.h"

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
