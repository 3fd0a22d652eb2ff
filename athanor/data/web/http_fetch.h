// One file by HTTP into a cache folder: retried, resumed, bounded, TLS checked (libcurl).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "athanor/base/file.h"

namespace athanor {

struct HttpOptions {
  uint64_t max_bytes = uint64_t{2} << 30;
  int num_tries = 3;             // for 5xx, 408, 429, time-outs and broken connections
  double backoff_seconds = 1.0;  // before the second try; doubles with each
  double connect_timeout_seconds = 30;
  double stall_timeout_seconds = 60;  // without a byte
  std::string user_agent = "athanor";
  bool use_cache = true;  // false: asks anew, and replaces what the cache holds
  std::function<void(uint64_t bytes_done, uint64_t bytes_total)> on_progress;  // total 0: not known
};

struct HttpFile {
  fs::path path;
  std::string sha256;
  uint64_t bytes = 0;
  std::string content_type;
};

// The file under that key (the URL and, for a snapshot, its date). What is in the cache already is not asked for
// again, but its digest is checked. A partial file is continued when the server still has the same one (ETag or
// Last-Modified). Error(kInput) says the status or curl's reason, and after how many tries.
HttpFile fetch_http(const std::string& url, const std::string& key, const fs::path& cache_dir,
                    const HttpOptions& options);

// The same without an Error for what the server, the network or the file's size did.
struct HttpResult {
  std::optional<HttpFile> file;
  int status = 0;          // the last answer's; 0: none came
  std::string reason;      // without a file: why
  bool too_large = false;
  bool tried_all = false;  // it failed after all tries, and may work later
};
HttpResult try_fetch_http(const std::string& url, const std::string& key, const fs::path& cache_dir,
                          const HttpOptions& options);

// What the cache holds under the key, its digest checked; asks nobody.
std::optional<HttpFile> cached_http(const std::string& key, const fs::path& cache_dir);

}  // namespace athanor
