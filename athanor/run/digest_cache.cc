#include "athanor/run/digest_cache.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/run/event.h"

namespace athanor {

DigestCache::DigestCache(const fs::path& cache_file) : cache_file_(cache_file) {
  read_events(cache_file_, [&](const nlohmann::json& line) {
    const auto key = line.find("key");
    const auto digest = line.find("sha256");
    if (key != line.end() && key->is_string() && digest != line.end() && digest->is_string()) {
      known_[*key] = *digest;
    }
  });
}

std::string DigestCache::file_digest(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    throw Error(ErrorKind::kInput, std::string("cannot read: ") + std::strerror(errno), path.string());
  }
  const std::string key = fs::absolute(path).lexically_normal().string() + "|" + std::to_string(info.st_size) + "|" +
                          std::to_string(info.st_mtim.tv_sec) + "." + std::to_string(info.st_mtim.tv_nsec) + "|" +
                          std::to_string(info.st_ino);
  if (const auto found = known_.find(key); found != known_.end()) {
    return found->second;
  }
  const std::string digest = sha256_file(path);
  known_[key] = digest;
  make_dirs(cache_file_.parent_path());
  FileWriter file(cache_file_, FileWriter::Mode::kAppend);
  file.write(nlohmann::json{{"key", key}, {"sha256", digest}}.dump() + "\n");
  return digest;
}

std::string DigestCache::path_digest(const fs::path& path) {
  if (!fs::is_directory(path)) {
    return file_digest(path);
  }
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) {
      names.push_back(entry.path().lexically_relative(path).generic_string());
    }
  }
  std::sort(names.begin(), names.end());
  std::string text;
  for (const auto& name : names) {
    text += name + "|" + std::to_string(fs::file_size(path / name)) + "|" + file_digest(path / name) + "\n";
  }
  return sha256_hex(text);
}

}  // namespace athanor
