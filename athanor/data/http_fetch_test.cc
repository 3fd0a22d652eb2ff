// Downloads from a small server in this process that fails, cuts and redirects as told.
#include "athanor/data/http_fetch.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "athanor/base/hash.h"
#include "athanor/data/source.h"
#include "athanor/data/test_scratch.h"

namespace athanor {
namespace {

// Answers one request a connection with what `answer` gives for its text, then closes.
class Server {
 public:
  explicit Server(std::function<std::string(const std::string& request)> answer) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 16) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no socket");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(listener_, SHUT_RDWR);
    ::close(listener_);
    thread_.join();
  }
  std::string url(const std::string& path) const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (true) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) {
        return;
      }
      std::string request;
      char block[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t n = ::recv(connection, block, sizeof block, 0);
        if (n <= 0) {
          break;
        }
        request.append(block, static_cast<size_t>(n));
      }
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      std::string reply = answer_(request);
      std::string_view rest = reply;
      while (!rest.empty()) {
        const ssize_t n = ::send(connection, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n <= 0) {
          break;
        }
        rest.remove_prefix(static_cast<size_t>(n));
      }
      ::close(connection);
    }
  }
  std::function<std::string(const std::string&)> answer_;
  int listener_ = -1;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<std::string> requests_;
};

std::string reply(const std::string& status, const std::string& headers, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         headers + "\r\n" + body;
}

HttpOptions quick() {
  HttpOptions options;
  options.backoff_seconds = 0.01;
  return options;
}

const std::string kBody = [] {
  std::string body;
  for (int i = 0; i < 20'000; ++i) {
    body += "line " + std::to_string(i) + "\n";
  }
  return body;
}();

TEST(HttpFetch, RetriesAfter503AndKeepsTheFile) {
  std::atomic<int> count = 0;
  Server server([&](const std::string&) {
    return ++count == 1 ? reply("503 Busy", "", "later") : reply("200 OK", "Content-Type: text/plain\r\n", kBody);
  });
  const fs::path cache = scratch("http-503");
  const HttpFile file = fetch_http(server.url("/a.txt"), "k", cache, quick());
  EXPECT_EQ(read_file(file.path), kBody);
  EXPECT_EQ(file.sha256, sha256_hex(kBody));
  EXPECT_EQ(file.content_type, "text/plain");
  EXPECT_EQ(count, 2);
  EXPECT_EQ(fetch_http(server.url("/a.txt"), "k", cache, quick()).sha256, file.sha256);
  EXPECT_EQ(count, 2);  // from the cache
  put_file(file.path, "damaged");
  EXPECT_EQ(fetch_http(server.url("/a.txt"), "k", cache, quick()).sha256, file.sha256);
  EXPECT_EQ(count, 3);
}

// The first answer promises all and sends half; the second must ask for the rest.
TEST(HttpFetch, ResumesACutTransferByItsETag) {
  const size_t half = kBody.size() / 2;
  Server server([&](const std::string& request) {
    const size_t range = request.find("Range: bytes=");
    if (range == std::string::npos) {
      return reply("200 OK", "ETag: \"v1\"\r\n", kBody).substr(0, half);
    }
    const size_t at = std::stoul(request.substr(range + 13));
    return reply("206 Partial Content",
                 "ETag: \"v1\"\r\nContent-Range: bytes " + std::to_string(at) + "-" +
                     std::to_string(kBody.size() - 1) + "/" + std::to_string(kBody.size()) + "\r\n",
                 kBody.substr(at));
  });
  const HttpFile file = fetch_http(server.url("/a.txt"), "k", scratch("http-resume"), quick());
  EXPECT_EQ(read_file(file.path), kBody);
  ASSERT_EQ(server.requests().size(), 2u);
  EXPECT_NE(server.requests()[1].find("If-Range: \"v1\""), std::string::npos);
}

TEST(HttpFetch, BeginsAnewWhenTheFileChangedOrNothingIdentifiesIt) {
  for (const char* headers : {"ETag: \"v1\"\r\n", "ETag: W/\"v1\"\r\n", ""}) {
    std::atomic<int> count = 0;
    Server server([&](const std::string&) {
      const std::string whole = reply("200 OK", headers, ++count == 1 ? std::string(90'000, 'o') : kBody);
      return count == 1 ? whole.substr(0, 50'000) : whole;
    });
    EXPECT_EQ(read_file(fetch_http(server.url("/a"), "k", scratch("http-new"), quick()).path), kBody);
  }
}

TEST(HttpFetch, LimitsAndFailures) {
  Server server([&](const std::string& request) {
    if (request.starts_with("GET /loop")) {
      return reply("302 Found", "Location: /loop\r\n", "");
    }
    if (request.starts_with("GET /file")) {
      return reply("302 Found", "Location: file:///etc/passwd\r\n", "");
    }
    if (request.starts_with("GET /moved")) {
      return reply("302 Found", "Location: /big\r\n", "moved");
    }
    if (request.starts_with("GET /empty")) {
      return reply("200 OK", "", "");
    }
    if (request.starts_with("GET /endless")) {  // no length given
      return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + kBody;
    }
    return request.starts_with("GET /big") ? reply("200 OK", "", kBody)
           : request.starts_with("GET /5") ? reply("500 Oh", "", "")
                                           : reply("404 Not Found", "", "no");
  });
  const fs::path cache = scratch("http-limits");
  HttpOptions small = quick();
  small.max_bytes = 1000;
  const auto error = [&](const std::string& path, const HttpOptions& options) {
    return error_of([&] { fetch_http(server.url(path), path, cache, options); });
  };
  EXPECT_NE(error("/big", small).message().find("limit of 1000"), std::string::npos);
  EXPECT_NE(error("/endless", small).message().find("limit of 1000"), std::string::npos);
  EXPECT_NE(error("/none", quick()).message().find("404"), std::string::npos);
  EXPECT_NE(error("/500", quick()).message().find("after 3 tries: HTTP status 500"), std::string::npos);
  EXPECT_EQ(error("/loop", quick()).kind(), ErrorKind::kInput);
  EXPECT_EQ(error("/file", quick()).kind(), ErrorKind::kInput);
  EXPECT_EQ(read_file(fetch_http(server.url("/moved"), "m", cache, quick()).path), kBody);
  EXPECT_EQ(fetch_http(server.url("/empty"), "e", cache, quick()).bytes, 0u);
  EXPECT_NE(error_of([&] { fetch_http("http://127.0.0.1:1/", "refused", cache, quick()); }).message().find("3 tries"),
            std::string::npos);
}

TEST(HttpFetch, AsASourceOfDocuments) {
  Server server([&](const std::string& request) {
    return request.starts_with("GET /rows.jsonl?") ? reply("200 OK", "", "{\"text\":\"one\"}\n{\"text\":\"two\"}\n")
                                                   : reply("200 OK", "Content-Type: text/plain; charset=utf-8\r\n", "plain");
  });
  SourceContext context;
  context.cache_dir = scratch("http-source");
  context.http = quick();
  std::vector<std::string> texts;
  SourceSink sink;
  sink.on_document = [&](Document&& document) { texts.push_back(document.text); };
  sink.on_rejected = [](Rejected&&) { ADD_FAILURE(); };
  const ResolvedSource rows = resolve_source({server.url("/rows.jsonl?x=1")}, context);
  const auto pins = read_source(rows, context, sink);
  EXPECT_TRUE(pins.at(0).digest.starts_with("sha256:"));
  const SourceSpec dated{server.url("/page"), "2026-01-01"};
  const ResolvedSource page = resolve_source(dated, context);
  EXPECT_TRUE(page.pins.at(0).name.ends_with("as of 2026-01-01"));
  read_source(page, context, sink);
  EXPECT_EQ(texts, (std::vector<std::string>{"one", "two", "plain"}));
}

}  // namespace
}  // namespace athanor
