// robots.txt of a stranger: the first line is the path that is asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "athanor/data/web/robots.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t newline = std::min(bytes.find('\n'), bytes.size());
  const athanor::Robots robots = athanor::Robots::parse(bytes.substr(std::min(newline + 1, bytes.size())), "athanor");
  robots.allows(bytes.substr(0, newline));
  if (!robots.allows("/robots.txt") || robots.delay_seconds() < 0) {
    std::abort();
  }
  return 0;
}
