#include "athanor/data/digest_cache.h"

#include <sys/stat.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"

namespace athanor {

namespace {

// A file that was changed just now could change again within the clock's grain and look the same.
constexpr int64_t kSettledNanoseconds = 2'000'000'000;

}  // namespace

DigestCache::DigestCache(fs::path file) : file_(std::move(file)) {
  std::error_code code;
  if (!fs::is_regular_file(file_, code)) {
    return;
  }
  const std::string text = read_file(file_);
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const auto row = nlohmann::json::parse(text.begin() + static_cast<std::ptrdiff_t>(at),
                                           text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
    at = end + 1;
    if (!row.is_object() || !row.contains("path") || !row["path"].is_string() || !row.contains("sha256") ||
        !row["sha256"].is_string() || row["sha256"].get_ref<const std::string&>().size() != 64 ||
        !row.contains("size") || !row["size"].is_number_integer() || !row.contains("mtime_ns") ||
        !row["mtime_ns"].is_number_integer() || !row.contains("inode") || !row["inode"].is_number_integer()) {
      continue;
    }
    entries_[row["path"].get<std::string>()] = {row["size"].get<uint64_t>(), row["mtime_ns"].get<int64_t>(),
                                                row["inode"].get<uint64_t>(), row["sha256"].get<std::string>()};
  }
}

bool DigestCache::stat_file(const fs::path& path, Entry& entry) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return false;
  }
  entry.size = static_cast<uint64_t>(info.st_size);
  entry.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  entry.inode = info.st_ino;
  return true;
}

std::string DigestCache::sha256(const fs::path& path) {
  std::error_code code;
  const fs::path canonical = fs::canonical(path, code);
  Entry now;
  if (code || !stat_file(canonical, now)) {
    throw Error(ErrorKind::kInput, "cannot find the file", path.string(), "check the path");
  }
  const std::string key = canonical.string();
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.size == now.size && found->second.mtime_ns == now.mtime_ns &&
      found->second.inode == now.inode) {
    return found->second.sha256;
  }
  now.sha256 = sha256_file(canonical);
  ++num_hashed_;
  const int64_t clock_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  if (clock_ns - now.mtime_ns > kSettledNanoseconds) {
    make_dirs(file_.parent_path());
    nlohmann::ordered_json row = {{"path", key},
                                  {"size", now.size},
                                  {"mtime_ns", now.mtime_ns},
                                  {"inode", now.inode},
                                  {"sha256", now.sha256}};
    FileWriter writer(file_, FileWriter::Mode::kAppend);
    writer.write(row.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    writer.close();
    entries_[key] = now;
  }
  return now.sha256;
}

}  // namespace athanor
