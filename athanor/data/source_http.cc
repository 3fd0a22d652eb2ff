#include "athanor/base/error.h"
#include "athanor/data/source_kinds.h"

namespace athanor {

namespace {

// The last part of the URL's path, without query and fragment.
std::string file_name(const std::string& url) {
  const size_t host = url.find("://") + 3;
  const std::string path = url.substr(0, url.find_first_of("?#", host));
  const size_t slash = path.rfind('/');
  return slash < host ? "" : path.substr(slash + 1);
}

const Reader* reader_for(const std::string& url, const std::string& content_type) {
  if (const Reader* reader = find_reader(file_name(url))) {
    return reader;
  }
  static constexpr std::pair<const char*, const char*> kTypes[] = {
      {"text/plain", "a.txt"},          {"text/markdown", "a.md"},
      {"text/csv", "a.csv"},            {"text/tab-separated-values", "a.tsv"},
      {"application/json", "a.json"},   {"application/x-ndjson", "a.jsonl"},
      {"application/jsonl", "a.jsonl"}, {"application/vnd.apache.parquet", "a.parquet"}};
  for (const auto& [type, name] : kTypes) {
    if (content_type.starts_with(type)) {
      return find_reader(name);
    }
  }
  throw Error(ErrorKind::kInput, "no reader for this file (its type is '" + content_type + "')", url,
              "download it, give it an extension such as .txt, .jsonl, .csv or .parquet, and give its path");
}

}  // namespace

ResolvedSource resolve_http(const SourceSpec& spec) {
  ResolvedSource source;
  source.kind = SourceKind::kHttp;
  source.spec = spec;
  source.pins.push_back({spec.as_of.empty() ? spec.spec : spec.spec + " as of " + spec.as_of, 0, ""});
  return source;
}

std::vector<SourcePin> read_http(const ResolvedSource& source, SourceContext& context, const SourceSink& sink) {
  const std::string& url = source.spec.spec;
  HttpOptions options = context.http;
  options.on_progress = sink.on_progress;
  const HttpFile file = fetch_http(url, source.pins.at(0).name, context.cache_dir, options);
  const Reader* reader = reader_for(url, file.content_type);
  ReadSink rows{sink.on_document, sink.on_rejected, {}};
  if (sink.on_progress) {
    rows.on_progress = [&](uint64_t bytes) { sink.on_progress(bytes, file.bytes); };
  }
  const auto stream = open_stream(file.path);
  reader->read({url, stream.get(), file.path}, source.spec.read, rows);
  return {{source.pins[0].name, file.bytes, "sha256:" + file.sha256}};
}

}  // namespace athanor
