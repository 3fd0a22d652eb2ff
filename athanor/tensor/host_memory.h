// How this process's allocator behaves under training: each step frees and asks again for the same large blocks.
#pragma once

namespace athanor {

// Keeps freed memory in the process instead of giving it back to the kernel, which would zero every page again at the
// next step (measured: 10 % of a bf16 step), and keeps large tensors in a range of addresses of their own, without holes
// that nothing fits (measured: 14 % of the peak). Call once, before the first large allocation of a training or serving
// process; the resident size then stays at its peak. Does nothing where the C library is not glibc.
void keep_freed_memory();

// Gives back what is free now, once: before something else wants the memory, or before a peak is measured.
void give_back_freed_memory();

}  // namespace athanor
