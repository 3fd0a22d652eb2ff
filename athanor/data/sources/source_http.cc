#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/data/sources/source_kinds.h"

namespace athanor {

namespace {

// The last part of the URL's path, without query and fragment.
std::string file_name(const std::string& url) {
  const size_t host = url.find("://") + 3;
  const std::string path = url.substr(0, url.find_first_of("?#", host));
  const size_t slash = path.rfind('/');
  return slash < host ? "" : path.substr(slash + 1);
}

}  // namespace

const Reader* find_reader_for_url(const std::string& url, const std::string& content_type) {
  static constexpr std::pair<const char*, const char*> kTypes[] = {
      {"text/html", "a.html"},          {"application/xhtml+xml", "a.html"},
      {"text/plain", "a.txt"},          {"text/markdown", "a.md"},
      {"text/csv", "a.csv"},            {"text/tab-separated-values", "a.tsv"},
      {"application/json", "a.json"},   {"application/x-ndjson", "a.jsonl"},
      {"application/jsonl", "a.jsonl"}, {"application/vnd.apache.parquet", "a.parquet"},
      {"message/rfc822", "a.eml"},      {"application/warc", "a.warc"}};
  if (const Reader* reader = find_reader(file_name(url))) {
    return reader;
  }
  for (const auto& [type, name] : kTypes) {
    const Reader* reader = content_type.starts_with(type) ? find_reader(name) : nullptr;
    if (reader != nullptr) {
      return reader;
    }
  }
  return nullptr;
}

ResolvedSource resolve_http(const SourceSpec& spec) {
  ResolvedSource source;
  source.kind = SourceKind::kHttp;
  source.spec = spec;
  source.urls.push_back(spec.spec);
  source.pins.push_back({spec.as_of.empty() ? spec.spec : spec.spec + " as of " + spec.as_of, 0, ""});
  return source;
}

std::vector<SourcePin> read_http(const ResolvedSource& source, const UnitPlace& from, SourceContext& context,
                                 const UnitSink& sink) {
  const std::string& url = source.spec.spec;
  HttpOptions http = context.http;
  http.on_progress = [](uint64_t, uint64_t) { check_interrupt(); };
  const HttpFile file = fetch_http(url, source.pins.at(0).name, context.cache_dir, http);
  const Reader* reader = find_reader_for_url(url, file.content_type);
  if (reader == nullptr) {
    throw Error(ErrorKind::kInput, "no reader for this file (its type is '" + file.content_type + "')", url,
                "download it, give it an extension such as .txt, .jsonl, .csv or .parquet, and give its path");
  }
  read_file_of_unit(file.path, url, *reader, source.spec.read, {}, from, sink);
  return {{source.pins[0].name, file.bytes, "sha256:" + file.sha256}};
}

}  // namespace athanor
