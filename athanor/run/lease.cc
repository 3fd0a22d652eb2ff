#include "athanor/run/lease.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"

namespace athanor {

std::optional<Lease> Lease::try_take(const fs::path& path) {
  make_dirs(path.parent_path());
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    throw Error(ErrorKind::kResource, std::string("cannot create the lock: ") + std::strerror(errno), path.string());
  }
  Lease lease(fd);
  for (int attempt = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      throw Error(ErrorKind::kResource, std::string("cannot lock: ") + std::strerror(errno), path.string());
    }
    if (attempt == 5) {
      return std::nullopt;
    }
    ::usleep(10'000);  // holder() may look at the lock for an instant
  }
  const std::string who = "process " + std::to_string(::getpid()) + " on host " + host_name() + " since " +
                          utc_time(unix_time()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, who.data(), who.size(), 0) < 0) {
    throw Error(ErrorKind::kResource, std::string("cannot write the lock: ") + std::strerror(errno), path.string());
  }
  return lease;
}

std::string Lease::holder(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return "";
  }
  const Lease probe(fd);
  if (::flock(fd, LOCK_SH | LOCK_NB) == 0) {
    return "";
  }
  std::string who = read_file(path, 4096);
  while (!who.empty() && who.back() == '\n') {
    who.pop_back();
  }
  return who.empty() ? "another process" : who;
}

Lease::~Lease() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Lease::Lease(Lease&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Lease& Lease::operator=(Lease&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

}  // namespace athanor
