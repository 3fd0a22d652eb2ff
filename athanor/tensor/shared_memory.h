// Memory that the processes of one launch on one machine lay open to each other: each has a block of its own, which it alone
// writes and the others read where it lies, so that nothing goes through a socket. Linux: memfd_create(2), reached by way of
// /proc/PID/fd; futex(2) to wait.
//
//   SharedBlock block(rank, world, bytes);              // each process its own
//   publish(block.address());                           // somehow; then all:
//   if (!block.open(addresses)) ...                     // another machine, or /proc is closed to us
//   fill(block.data()); block.meet(20); read(block.of(1));
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace athanor {

class SharedBlock {
 public:
  // Throws std::runtime_error where the machine has no memory for it.
  SharedBlock(int rank, int world, size_t bytes);
  ~SharedBlock();
  SharedBlock(const SharedBlock&) = delete;
  SharedBlock& operator=(const SharedBlock&) = delete;

  // What the others open it by: one line of text.
  std::string address() const;
  // Opens those of all ranks, in their order. False where one cannot be had; then the block is of no use.
  bool open(const std::vector<std::string>& addresses);
  // After all have opened: nobody else can from now on.
  void seal();

  void* data() const;
  const void* of(int rank) const;
  size_t bytes() const { return bytes_; }
  bool holds(const void* place) const;

  // All processes come here; what each wrote before is then seen by all. Throws std::runtime_error when one ends, or when
  // the slowest takes longer than timeout_seconds.
  void meet(double timeout_seconds);

 private:
  struct Peer {
    int64_t pid = 0;
    char* base = nullptr;
  };

  void wait_for(int rank, double timeout_seconds) const;

  int rank_;
  size_t bytes_;
  int file_ = -1;
  uint32_t meetings_ = 0;
  std::vector<Peer> peers_;  // by rank, this process among them
};

}  // namespace athanor
