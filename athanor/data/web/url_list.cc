#include "athanor/data/web/url_list.h"

#include <algorithm>
#include <cctype>
#include <thread>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"

namespace athanor {

namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kProduct = "athanor";

Clock::duration seconds(double value) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
}

}  // namespace

std::optional<UrlParts> split_url(const std::string& url) {
  const size_t scheme = url.starts_with("http://") ? 7 : url.starts_with("https://") ? 8 : 0;
  if (scheme == 0 || url.find_first_of(" \t\r\n") != std::string::npos) {
    return std::nullopt;
  }
  const size_t host_end = std::min(url.find_first_of("/?#", scheme), url.size());
  if (host_end == scheme) {
    return std::nullopt;
  }
  UrlParts parts{url.substr(0, host_end), url.substr(host_end, url.find('#', host_end) - host_end)};
  std::transform(parts.origin.begin(), parts.origin.end(), parts.origin.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (parts.path.empty() || parts.path[0] != '/') {
    parts.path.insert(0, "/");
  }
  return parts;
}

UrlFetcher::UrlFetcher(fs::path cache_dir, HttpOptions http, UrlListOptions options)
    : cache_dir_(std::move(cache_dir)), http_(std::move(http)), options_(std::move(options)) {
  http_.max_bytes = options_.max_page_bytes;
  http_.user_agent = std::string(kProduct) + (options_.contact.empty() ? "" : " (+" + options_.contact + ")");
  http_.on_progress = {};
}

UrlFetcher::Host& UrlFetcher::host(const std::string& origin) {
  const std::lock_guard lock(mutex_);
  return hosts_[origin];
}

// Sleeps until it is this request's turn; turns are given in the order of asking.
void UrlFetcher::wait_for_turn(Host& host, double pace) {
  Clock::time_point turn;
  {
    const std::lock_guard lock(mutex_);
    turn = std::max(Clock::now(), host.next);
    host.next = turn + seconds(pace);
  }
  while (Clock::now() < turn) {
    check_interrupt();
    std::this_thread::sleep_for(std::min<Clock::duration>(turn - Clock::now(), std::chrono::milliseconds(100)));
  }
}

// RFC 9309, 2.3.1: an answer of 4xx means that there are no rules; when the host cannot answer, all is forbidden.
const Robots& UrlFetcher::robots_of(const std::string& origin, Host& host) {
  const std::lock_guard lock(host.mutex);
  if (!host.robots) {
    HttpOptions http = http_;
    http.max_bytes = uint64_t{16} << 20;
    http.use_cache = false;
    const std::string url = origin + "/robots.txt";
    wait_for_turn(host, options_.seconds_between);
    const HttpResult result = try_fetch_http(url, url, cache_dir_, http);
    if (result.file) {
      host.robots = Robots::parse(read_file(result.file->path), kProduct);
    } else {
      host.robots = result.status >= 400 && result.status < 500 ? Robots::allow_all() : Robots::disallow_all();
    }
  }
  return *host.robots;
}

UrlFetcher::Page UrlFetcher::fetch(const std::string& url, const std::string& key) {
  const auto parts = split_url(url);
  if (!parts) {
    return {std::nullopt, "not a web address", url};
  }
  if (auto cached = cached_http(key, cache_dir_)) {
    return {std::move(cached), nullptr, ""};
  }
  Host& host = this->host(parts->origin);
  double pace = options_.seconds_between;
  if (options_.robots) {
    const Robots& robots = robots_of(parts->origin, host);
    if (!robots.allows(parts->path)) {
      return {std::nullopt, "robots.txt", "forbidden for " + std::string(kProduct)};
    }
    pace = std::max(pace, robots.delay_seconds());
  }
  wait_for_turn(host, pace);
  HttpResult result = try_fetch_http(url, key, cache_dir_, http_);
  if (result.file) {
    return {std::move(result.file), nullptr, ""};
  }
  return {std::nullopt,
          result.too_large ? "page too large" : result.status >= 400 ? "HTTP error" : "not reachable",
          result.reason};
}

}  // namespace athanor
