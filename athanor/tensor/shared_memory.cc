#include "athanor/tensor/shared_memory.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace athanor {

namespace {

constexpr size_t kHeader = 4096;   // before the data: how many meetings the block's process has come to
constexpr long kLookEvery = 50'000'000;  // ns: how often a waiting process looks whether the other still lives

std::atomic<uint32_t>* counter(char* base) { return reinterpret_cast<std::atomic<uint32_t>*>(base); }

// Which machine: processes of another one have other files under the same numbers.
std::string machine() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  file >> id;
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return id + "@" + name;
}

// A process that has ended is a zombie until its parent asks for it.
bool has_ended(int64_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  if (!std::getline(file, text)) {
    return true;
  }
  const size_t name_end = text.rfind(')');
  return name_end != std::string::npos && name_end + 2 < text.size() && (text[name_end + 2] == 'Z' || text[name_end + 2] == 'X');
}

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

std::runtime_error failed(const char* what) { return std::runtime_error(std::string(what) + ": " + std::strerror(errno)); }

char* map(int file, size_t bytes, bool write) {
  void* const base = ::mmap(nullptr, bytes, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
  return base == MAP_FAILED ? nullptr : static_cast<char*>(base);
}

}  // namespace

SharedBlock::SharedBlock(int rank, int world, size_t bytes) : rank_(rank), bytes_(bytes), peers_(static_cast<size_t>(world)) {
  file_ = ::memfd_create("athanor", MFD_CLOEXEC);
  if (file_ < 0 || ::ftruncate(file_, static_cast<off_t>(kHeader + bytes)) != 0) {
    throw failed("no memory to share");
  }
  Peer& self = peers_[static_cast<size_t>(rank)];
  self.pid = ::getpid();
  self.base = map(file_, kHeader + bytes, true);
  if (self.base == nullptr) {
    throw failed("no memory to share");
  }
}

SharedBlock::~SharedBlock() {
  seal();
  for (const Peer& peer : peers_) {
    if (peer.base != nullptr) {
      ::munmap(peer.base, kHeader + bytes_);
    }
  }
}

std::string SharedBlock::address() const {
  return machine() + " " + std::to_string(::getpid()) + " " + std::to_string(file_);
}

bool SharedBlock::open(const std::vector<std::string>& addresses) {
  const std::string here = machine();
  for (size_t rank = 0; rank < peers_.size(); ++rank) {
    if (static_cast<int>(rank) == rank_) {
      continue;
    }
    std::istringstream words(rank < addresses.size() ? addresses[rank] : "");
    std::string where;
    int64_t pid = 0;
    int64_t number = -1;
    if (!(words >> where >> pid >> number) || where != here || pid <= 0 || number < 0) {
      return false;
    }
    const std::string path = "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(number);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat found {};
    if (file < 0) {
      return false;
    }
    const bool whole = ::fstat(file, &found) == 0 && found.st_size == static_cast<off_t>(kHeader + bytes_);
    peers_[rank] = {pid, whole ? map(file, kHeader + bytes_, false) : nullptr};
    ::close(file);
    if (peers_[rank].base == nullptr) {
      return false;
    }
  }
  return true;
}

void SharedBlock::seal() {
  if (file_ >= 0) {
    ::close(file_);
    file_ = -1;
  }
}

void* SharedBlock::data() const { return peers_[static_cast<size_t>(rank_)].base + kHeader; }
const void* SharedBlock::of(int rank) const { return peers_[static_cast<size_t>(rank)].base + kHeader; }

bool SharedBlock::holds(const void* place) const {
  const char* const begin = static_cast<const char*>(data());
  return place >= begin && place < begin + bytes_;
}

void SharedBlock::meet(double timeout_seconds) {
  std::atomic<uint32_t>* const mine = counter(peers_[static_cast<size_t>(rank_)].base);
  mine->store(++meetings_, std::memory_order_release);
  ::syscall(SYS_futex, mine, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  for (size_t rank = 0; rank < peers_.size(); ++rank) {
    wait_for(static_cast<int>(rank), timeout_seconds);
  }
}

void SharedBlock::wait_for(int rank, double timeout_seconds) const {
  const Peer& peer = peers_[static_cast<size_t>(rank)];
  const std::atomic<uint32_t>* const theirs = counter(peer.base);
  const double begun = now();
  const timespec pause{0, kLookEvery};
  for (;;) {
    const uint32_t seen = theirs->load(std::memory_order_acquire);
    if (static_cast<int32_t>(seen - meetings_) >= 0) {
      return;
    }
    ::syscall(SYS_futex, theirs, FUTEX_WAIT, seen, &pause, nullptr, 0);
    if (theirs->load(std::memory_order_acquire) != seen) {
      continue;
    }
    if (has_ended(peer.pid)) {
      throw std::runtime_error("the process of rank " + std::to_string(rank) + " has ended");
    }
    if (now() - begun > timeout_seconds) {
      throw std::runtime_error("rank " + std::to_string(rank) + " did not come within " +
                               std::to_string(static_cast<int64_t>(timeout_seconds)) + " s");
    }
  }
}

}  // namespace athanor
