// Downloads from a small server in this process that fails, cuts and redirects as told.
#include "athanor/data/web/http_fetch.h"

#include <gtest/gtest.h>

#include <atomic>

#include "athanor/base/hash.h"
#include "athanor/data/sources/source_unit.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/data/testing/test_server.h"

namespace athanor {
namespace {

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
  UnitSink sink;
  sink.on_document = [&](Document&& document) { texts.push_back(document.text); };
  sink.on_rejected = [](Rejected&&) { ADD_FAILURE(); };
  const ResolvedSource rows = resolve_source({server.url("/rows.jsonl?x=1")}, context);
  const auto pins = read_unit(rows, {}, {}, context, sink);
  EXPECT_TRUE(pins.at(0).digest.starts_with("sha256:"));
  const SourceSpec dated{server.url("/page"), "2026-01-01"};
  const ResolvedSource page = resolve_source(dated, context);
  EXPECT_TRUE(page.pins.at(0).name.ends_with("as of 2026-01-01"));
  read_unit(page, {}, {}, context, sink);
  EXPECT_EQ(texts, (std::vector<std::string>{"one", "two", "plain"}));
}

}  // namespace
}  // namespace athanor
