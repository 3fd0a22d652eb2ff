#include "athanor/tensor/host_memory.h"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <climits>
#include <cstdlib>  // defines __GLIBC__
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <unordered_map>

#include "athanor/base/machine.h"

#if defined(__GLIBC__)
#include <malloc.h>
#include <sys/mman.h>
#endif

namespace athanor {

#if defined(__GLIBC__)
namespace {

constexpr size_t kSmallest = size_t{64} << 10;  // smaller ones stay with the C library
constexpr size_t kLine = 64;
constexpr size_t kStagger = 192;  // between blocks, so that tensors of round sizes do not all begin in one set of the cache

// Large tensors in a range of addresses of their own, always the lowest place that fits. In the C library's heap small
// objects that outlive them settle between them and keep the holes apart (measured: a fifth of the peak).
class LargeBlocks final : public c10::Allocator {
 public:
  LargeBlocks() : small_(c10::GetDefaultCPUAllocator()), size_(memory_bytes()) {
    void* range = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) {  // a limit on addresses (ulimit -v): then there are no large blocks
      size_ = 0;
      return;
    }
    base_ = static_cast<char*>(range);
    free_[0] = size_;
  }

  c10::DataPtr allocate(size_t bytes) override {
    void* place = bytes >= kSmallest ? take(bytes) : nullptr;
    if (place == nullptr) {
      place = small_->raw_allocate(bytes);
    }
    return {place, place, &release, c10::Device(c10::DeviceType::CPU)};
  }
  // Pages of no block go back to the kernel.
  void give_back_pages() {
    constexpr size_t kPage = 4096;
    const std::lock_guard<std::mutex> lock(guard_);
    for (const auto& [offset, size] : free_) {
      const size_t first = (offset + kPage - 1) / kPage * kPage;
      const size_t last = std::min(offset + size, used_end_) / kPage * kPage;
      if (first < last) {
        ::madvise(base_ + first, last - first, MADV_DONTNEED);
      }
    }
    used_end_ = 0;
    for (const auto& [offset, size] : used_) {
      used_end_ = std::max(used_end_, offset + size);
    }
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }

 private:
  static void release(void* place);

  // nullptr where nothing fits.
  void* take(size_t bytes) {
    const size_t wanted = (bytes + kLine - 1) / kLine * kLine + kStagger;
    const std::lock_guard<std::mutex> lock(guard_);
    for (auto hole = free_.begin(); hole != free_.end(); ++hole) {
      const auto [offset, size] = *hole;
      if (size < wanted) {
        continue;
      }
      free_.erase(hole);
      if (size > wanted) {
        free_[offset + wanted] = size - wanted;
      }
      used_[offset] = wanted;
      used_end_ = std::max(used_end_, offset + wanted);
      return base_ + offset;
    }
    return nullptr;
  }

  // False where the place is not one of these blocks.
  bool give_back(void* place) {
    const char* address = static_cast<const char*>(place);
    if (address < base_ || address >= base_ + size_) {
      return false;
    }
    const std::lock_guard<std::mutex> lock(guard_);
    const auto block = used_.find(static_cast<size_t>(address - base_));
    size_t offset = block->first;
    size_t size = block->second;
    used_.erase(block);
    auto next = free_.lower_bound(offset);
    if (next != free_.end() && next->first == offset + size) {
      size += next->second;
      next = free_.erase(next);
    }
    if (next != free_.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second == offset) {
        before->second += size;
        return true;
      }
    }
    free_.emplace_hint(next, offset, size);
    return true;
  }

  c10::Allocator* small_;
  std::mutex guard_;
  char* base_ = nullptr;
  size_t size_;
  std::map<size_t, size_t> free_;            // offset, size; no two touch
  std::unordered_map<size_t, size_t> used_;
  size_t used_end_ = 0;  // no page past it was touched
};

// Never destroyed: tensors of static life are freed after main.
LargeBlocks& large_blocks() {
  static auto* const blocks = new LargeBlocks;
  return *blocks;
}

void LargeBlocks::release(void* place) {
  if (place != nullptr && !large_blocks().give_back(place)) {
    large_blocks().small_->raw_deallocate(place);
  }
}

}  // namespace

void keep_freed_memory() {
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_TOP_PAD, 64 << 20);
  c10::SetCPUAllocator(&large_blocks(), 1);
}

void give_back_freed_memory() {
  large_blocks().give_back_pages();
  ::malloc_trim(0);
}

#else

void keep_freed_memory() {}
void give_back_freed_memory() {}

#endif

}  // namespace athanor
