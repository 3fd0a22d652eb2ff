// Pages fetched politely: robots.txt of each host, a pace a host, retries with back-off, several hosts at once.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "athanor/data/web/http_fetch.h"
#include "athanor/data/web/robots.h"

namespace athanor {

struct UrlListOptions {
  std::string contact;           // an address or e-mail for the hosts' owners; goes into the User-Agent
  double seconds_between = 1.0;  // requests to one host; its Crawl-delay when that is longer
  int at_once = 8;               // requests in flight
  uint64_t max_page_bytes = uint64_t{32} << 20;
  bool robots = true;
};

// "https://host:port" and "/path?query" of an address; nullopt when it is not one of http or https.
struct UrlParts {
  std::string origin;
  std::string path;
};
std::optional<UrlParts> split_url(const std::string& url);

// Thread-safe. One for all lists of a run, so that the pace holds for all of them.
class UrlFetcher {
 public:
  UrlFetcher(fs::path cache_dir, HttpOptions http, UrlListOptions options);

  struct Page {
    std::optional<HttpFile> file;
    const char* problem = nullptr;  // "not a web address", "robots.txt", "HTTP error", "not reachable", "page too large"
    std::string detail;
  };
  // From the cache when it is there; `key` as in fetch_http.
  Page fetch(const std::string& url, const std::string& key);

  const UrlListOptions& options() const { return options_; }

 private:
  struct Host {
    std::mutex mutex;  // held while robots.txt is fetched
    std::optional<Robots> robots;
    std::chrono::steady_clock::time_point next;  // when the next request may begin
  };
  Host& host(const std::string& origin);
  const Robots& robots_of(const std::string& origin, Host& host);
  void wait_for_turn(Host& host, double seconds);

  fs::path cache_dir_;
  HttpOptions http_;
  UrlListOptions options_;
  std::mutex mutex_;
  std::map<std::string, Host> hosts_;
};

}  // namespace athanor
