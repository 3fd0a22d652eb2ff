#include "athanor/run/journal.h"

#include <algorithm>
#include <charconv>

#include "athanor/base/error.h"

namespace athanor {

ShardOf parse_shard(std::string_view text) {
  ShardOf shard;
  const char* end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  const bool slash = index.ec == std::errc() && index.ptr != end && *index.ptr == '/';
  const auto count = slash ? std::from_chars(index.ptr + 1, end, shard.count) : index;
  if (!slash || count.ec != std::errc() || count.ptr != end || shard.index >= shard.count || shard.count > 1000000) {
    throw Error(ErrorKind::kUsage, "'" + std::string(text) + "' is no shard", "shard",
                "write shard=i/n with i from 0 to n-1, such as shard=0/8");
  }
  return shard;
}

PartJournal::PartJournal(fs::path dir, ShardOf shard)
    : dir_(std::move(dir)),
      suffix_(".half-" + std::to_string(shard.index) + "-of-" + std::to_string(shard.count)) {
  make_dirs(dir_);
  for (const auto& entry : fs::directory_iterator(dir_)) {
    const std::string name = entry.path().filename().string();
    if (name[0] == '.' && name.ends_with(suffix_)) {
      fs::remove_all(entry.path());
    }
  }
}

bool PartJournal::has(const std::string& key) const {
  std::error_code code;
  return fs::is_directory(dir_ / key, code);
}

void PartJournal::write(const std::string& key, const std::function<void(const fs::path& folder)>& fill) const {
  const fs::path half = dir_ / ("." + key + suffix_);
  make_dirs(half);
  try {
    fill(half);
    fsync_tree(half);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(half, ignored);
    throw;
  }
  std::error_code code;
  fs::rename(half, dir_ / key, code);
  if (code) {
    fs::remove_all(half);
    if (!has(key)) {  // else another process was faster: its bytes are the same
      throw Error(ErrorKind::kResource, "cannot be written: " + code.message(), (dir_ / key).string());
    }
  }
  fsync_path(dir_);
}

std::vector<std::string> PartJournal::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir_)) {
    const std::string name = entry.path().filename().string();
    if (name[0] != '.') {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

void link_file(const fs::path& from, const fs::path& to) {
  std::error_code code;
  fs::remove(to, code);
  fs::create_hard_link(from, to, code);
  if (code) {
    fs::copy_file(from, to, code);
  }
  if (code) {
    throw Error(ErrorKind::kResource, "cannot be written: " + code.message(), to.string());
  }
}

}  // namespace athanor
