// robots.txt by RFC 9309, and lists of addresses against a server of our own.
#include "athanor/data/web/url_list.h"

#include <gtest/gtest.h>

#include "athanor/data/sources/source_unit.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/data/testing/test_server.h"

namespace athanor {
namespace {

TEST(Robots, PatternsAndPaths) {
  EXPECT_TRUE(match_robots_pattern("/a", "/abc"));
  EXPECT_FALSE(match_robots_pattern("/a$", "/abc"));
  EXPECT_TRUE(match_robots_pattern("/*.gif$", "/x/y.gif"));
  EXPECT_FALSE(match_robots_pattern("/*.gif$", "/x/y.gif?z"));
  EXPECT_TRUE(match_robots_pattern("*b*c", "/abxxc"));
  EXPECT_TRUE(match_robots_pattern("/a*$", "/a"));
  EXPECT_FALSE(match_robots_pattern("/fish", "/Fish"));
  EXPECT_FALSE(match_robots_pattern(std::string(200, '*') + "x$", std::string(100'000, 'a')));
  EXPECT_EQ(normal_path("/%7ea%2fb/é%3"), "/~a%2Fb/%C3%A9%3");
}

TEST(Robots, GroupsAndLongestMatch) {
  const std::string text =
      "\xef\xbb\xbfUser-agent: other\nUser-Agent: Athanor/2.0\nDisallow: /private # not here\nAllow: /private/open\n"
      "Crawl-delay: 2.5\n\nuser-agent: *\nDisallow: /\n\nuser-agent: athanor\nDisallow: /second*.html$\n"
      "Disallow: /tie\nAllow: /tie\nDisallow:\nnonsense\n";
  const Robots ours = Robots::parse(text, "athanor");
  EXPECT_FALSE(ours.allows("/private/x"));
  EXPECT_TRUE(ours.allows("/private/open/x"));
  EXPECT_TRUE(ours.allows("/else"));
  EXPECT_FALSE(ours.allows("/second/page.html"));
  EXPECT_TRUE(ours.allows("/second/page.html?x"));
  EXPECT_TRUE(ours.allows("/tie"));
  EXPECT_EQ(ours.delay_seconds(), 2.5);
  const Robots stranger = Robots::parse(text, "stranger");
  EXPECT_FALSE(stranger.allows("/else"));
  EXPECT_TRUE(stranger.allows("/robots.txt"));
  EXPECT_TRUE(Robots::parse("", "athanor").allows("/x"));
  EXPECT_FALSE(Robots::disallow_all().allows("/x"));
  EXPECT_TRUE(Robots::parse("Disallow: /before any group\n", "athanor").allows("/before any group"));
}

TEST(UrlList, SplitsAddresses) {
  const auto parts = split_url("https://Example.org:8080/a?b#c");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->origin, "https://example.org:8080");
  EXPECT_EQ(parts->path, "/a?b");
  EXPECT_EQ(split_url("http://h?q")->path, "/?q");
  for (const char* bad : {"ftp://x", "http://", "http:///a", "x", "http://a b"}) {
    EXPECT_FALSE(split_url(bad)) << bad;
  }
}

TEST(UrlList, FetchesWhatItMayAtItsPace) {
  const std::string page(200, 'x');
  Server server([&](const std::string& request) {
    if (request.starts_with("GET /robots.txt ")) {
      return reply("200 OK", "Content-Type: text/plain\r\n", "User-agent: *\nDisallow: /no\nCrawl-delay: 0.05\n");
    }
    if (request.starts_with("GET /gone ")) {
      return reply("404 Not Found", "", "");
    }
    if (request.starts_with("GET /large ")) {
      return reply("200 OK", "Content-Type: text/plain\r\n", std::string(5000, 'x'));
    }
    if (request.starts_with("GET /image ")) {
      return reply("200 OK", "Content-Type: image/png\r\n", "png");
    }
    return reply("200 OK", "Content-Type: text/plain\r\n", "text of " + request.substr(4, 2) + page);
  });
  const fs::path dir = scratch("urls");
  std::string list = "# a comment\n\n";
  for (const char* path : {"/a", "/b", "/no/1", "/gone", "/large", "/image", "/a", "/c"}) {
    list += server.url(path) + "\r\n";
  }
  put_file(dir / "list.txt", list + "not an address\n");
  DigestCache digests(dir / "digests.jsonl");
  SourceContext context{dir / "cache", &digests};
  context.http.backoff_seconds = 0.01;
  context.urls.contact = "me@example.org";
  context.urls.seconds_between = 0.01;
  context.urls.max_page_bytes = 1000;
  const ResolvedSource source = resolve_source({"urls:" + (dir / "list.txt").string()}, context);
  EXPECT_EQ(source.urls.size(), 8u);
  const auto read = [&] {
    std::string got;
    UnitSink sink;
    sink.on_document = [&](Document&& document) { got += document.source.substr(document.source.rfind('/')) + " "; };
    sink.on_rejected = [&](Rejected&& row) { got += row.reason + "; "; };
    for (const ReadUnit& unit : cut_sources({&source, 1})) {
      read_unit(source, unit, {}, context, sink);
    }
    return got;
  };
  const auto begin = std::chrono::steady_clock::now();
  const std::string want = "/a /b robots.txt; HTTP error; page too large; no reader for its type; /c not a web address; ";
  EXPECT_EQ(read(), want);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(5 * 50)) << "6 pages, 50 ms apart";
  const auto requests = server.requests();
  for (const std::string& request : requests) {
    EXPECT_EQ(request.find("/no/1"), std::string::npos);
    EXPECT_NE(request.find("User-Agent: athanor (+me@example.org)"), std::string::npos);
  }
  EXPECT_EQ(read(), want);
  EXPECT_EQ(server.requests().size() - requests.size(), 2u) << "only what is not in the cache is asked for again";
}

TEST(UrlList, AHostThatFailsForbidsAll) {
  Server server([&](const std::string& request) {
    return request.starts_with("GET /robots.txt ") ? reply("500 Oops", "", "") : reply("200 OK", "", "text");
  });
  HttpOptions http;
  http.backoff_seconds = 0.01;
  http.num_tries = 2;
  UrlListOptions options;
  options.seconds_between = 0;
  UrlFetcher fetcher(scratch("urls-500"), http, options);
  EXPECT_STREQ(fetcher.fetch(server.url("/a.txt"), "a").problem, "robots.txt");
  options.robots = false;
  UrlFetcher rude(scratch("urls-500b"), http, options);
  EXPECT_TRUE(rude.fetch(server.url("/a.txt"), "a").file);
  EXPECT_STREQ(rude.fetch("http://127.0.0.1:1/x", "b").problem, "not reachable");
}

}  // namespace
}  // namespace athanor
