#pragma once

#include <gloo/forward.h>  // see there
