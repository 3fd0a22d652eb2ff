// Tells the kernel to back a large stretch of memory, not touched yet, with large pages: look-ups all over a table of some
// megabytes otherwise wait for the page tables more than for the table. Only a hint; nothing where there is no such call.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace athanor::token {

inline constexpr size_t kHugePage = size_t{1} << 21;

inline void prefer_huge_pages([[maybe_unused]] void* begin, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  const uintptr_t first = (reinterpret_cast<uintptr_t>(begin) + kHugePage - 1) & ~(kHugePage - 1);
  const uintptr_t last = (reinterpret_cast<uintptr_t>(begin) + bytes) & ~(kHugePage - 1);
  if (first < last) {
    madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  }
#endif
}

}  // namespace athanor::token
