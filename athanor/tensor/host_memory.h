// How this process's allocator behaves under training: each step frees and asks again for the same large blocks.
#pragma once

namespace athanor {

// Keeps freed memory in the process instead of giving it back to the kernel, which would zero every page again at the
// next step (measured: 10 % of a bf16 step). Call once, before the first large allocation of a training or serving
// process; the resident size then stays at its peak. Does nothing where the C library is not glibc.
void keep_freed_memory();

}  // namespace athanor
