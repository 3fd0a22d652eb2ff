// Where texts come from: resolve_source() finds what there is and pins it (the pins go into the run's id);
// source_unit.h cuts it into units and reads them.
//   data/                       a folder: every file below it that a reader knows; hidden ones are passed over
//   a.jsonl.zst, "x/**/*.txt"   a file, a glob
//   npm:@scope/name@1.2.3/data/*.txt    files of an npm package, by the machine's npm client
//   https://host/a.csv.gz
//   urls:list.txt               the addresses in that file, one a line, fetched politely (robots.txt, a pace per host)
//   sqlite:PATH  postgres:CONNECTION    the rows of a query
// A document's source is stable across machines: "<last part of the folder>/rel/path", "npm:name@1.2.3/path", URL.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/data/readers/readers.h"
#include "athanor/data/web/http_fetch.h"
#include "athanor/data/web/url_list.h"
#include "athanor/run/digest_cache.h"

namespace athanor {

enum class SourceKind { kLocal, kNpm, kHttp, kUrls, kSql };

struct SourceSpec {
  std::string spec;
  std::string as_of;  // http, urls and SQL: a date; another one asks for a new snapshot
  std::string query;  // SQL: the SELECT
  ReadOptions read;
  std::string query_key;  // postgres: the column that tells rows apart, so that a resume reads on behind one
};

struct SourceContext {
  fs::path cache_dir;              // downloads are kept here
  DigestCache* digests = nullptr;  // must be set for local sources
  HttpOptions http;
  UrlListOptions urls;
  std::shared_ptr<UrlFetcher> fetcher;  // made by the first list, for all of them
  double npm_timeout_seconds = 600;
};

// What identifies one input: local files by name, size and SHA-256; npm by "npm:name@exact.version/pattern", which
// a registry never changes (the tarball's integrity is checked when it is read); http by URL and as_of.
struct SourcePin {
  std::string name;
  uint64_t bytes = 0;
  std::string digest;  // "sha256:..." for local files, else empty
};

struct SourceFile {
  fs::path path;
  std::string source;
  uint64_t bytes = 0;
};

struct ResolvedSource {
  SourceKind kind = SourceKind::kLocal;
  SourceSpec spec;
  std::vector<SourcePin> pins;
  std::vector<SourceFile> files;  // local only, sorted by source
  std::string npm_name, npm_version, npm_pattern;
  std::vector<std::string> urls;       // kHttp: one; kUrls: as the list has them, each once
};

// Error(kInput) when there is nothing, or nothing that a reader knows. Only npm ranges ask the network here.
ResolvedSource resolve_source(const SourceSpec& spec, SourceContext& context);

// Does the path match the pattern (*, ?, [..] within a part, ** for any number of parts)? A pattern that is a
// folder matches all below it; an empty one everything.
bool match_path(const std::string& pattern, const std::string& path);

}  // namespace athanor
