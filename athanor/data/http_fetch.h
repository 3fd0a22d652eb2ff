// One file by HTTP into a cache folder: retried, resumed, bounded, TLS checked (libcurl).
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "athanor/base/file.h"

namespace athanor {

struct HttpOptions {
  uint64_t max_bytes = uint64_t{2} << 30;
  int num_tries = 3;             // for 5xx, 408, 429, time-outs and broken connections
  double backoff_seconds = 1.0;  // before the second try; doubles with each
  double connect_timeout_seconds = 30;
  double stall_timeout_seconds = 60;  // without a byte
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

}  // namespace athanor
