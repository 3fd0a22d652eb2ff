// Sources of kind urls: a file with one web address a line ("#" begins a comment).
#include <algorithm>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/thread_pool.h"
#include "athanor/data/sources/source_kinds.h"
#include "athanor/data/stream/line_reader.h"

namespace athanor {

namespace {

std::string key_of(const std::string& url, const SourceSpec& spec) {
  return spec.as_of.empty() ? url : url + " as of " + spec.as_of;
}

}  // namespace

ResolvedSource resolve_urls(const SourceSpec& spec, SourceContext& context) {
  ResolvedSource source;
  source.kind = SourceKind::kUrls;
  source.spec = spec;
  const fs::path path = spec.spec.substr(spec.spec.find(':') + 1);
  const auto stream = open_stream(path);
  LineReader lines(*stream, 64 << 10);
  std::set<std::string> seen;
  Line line;
  while (lines.next(line)) {
    const size_t begin = line.text.find_first_not_of(" \t\r");
    if (line.too_long || begin == std::string_view::npos || line.text[begin] == '#') {
      continue;
    }
    const std::string url(line.text.substr(begin, line.text.find_last_not_of(" \t\r") + 1 - begin));
    if (seen.insert(url).second) {
      source.urls.push_back(url);
    }
  }
  if (source.urls.empty()) {
    throw Error(ErrorKind::kInput, "holds no web address", path.string(), "write one address a line");
  }
  std::error_code code;
  source.pins.push_back({"urls:" + path.filename().string() + (spec.as_of.empty() ? "" : " as of " + spec.as_of),
                         fs::file_size(path, code), "sha256:" + context.digests->file_digest(path)});
  if (context.fetcher == nullptr) {
    context.fetcher = std::make_shared<UrlFetcher>(context.cache_dir, context.http, context.urls);
  }
  return source;
}

std::vector<SourcePin> read_urls(const ResolvedSource& source, const ReadUnit& unit, const UnitPlace& from,
                                 SourceContext& context, const UnitSink& sink) {
  const auto url_of = [&](size_t i) -> const std::string& { return source.urls.at(unit.first + i); };
  std::vector<UrlFetcher::Page> pages(unit.count);
  const size_t skipped = std::min<size_t>(from.file, unit.count);
  // The calling thread waits with them: these threads wait for the network, not for a core.
  ThreadPool fetchers(std::max(1, context.urls.at_once));
  fetchers.parallel_for(unit.count - skipped, [&](size_t i) {
    pages[skipped + i] = context.fetcher->fetch(url_of(skipped + i), key_of(url_of(skipped + i), source.spec));
  });
  std::vector<SourcePin> pins;
  for (size_t i = skipped; i < unit.count; ++i) {
    const std::string& url = url_of(i);
    if (i > skipped && sink.on_boundary) {
      sink.on_boundary(0, [&] { return UnitPlace{i, 0, "", {}}; });
    }
    if (!pages[i].file) {
      sink.on_rejected({pages[i].problem, url, 0, pages[i].detail});
      continue;
    }
    const HttpFile& file = *pages[i].file;
    pins.push_back({key_of(url, source.spec), file.bytes, "sha256:" + file.sha256});
    const Reader* reader = find_reader_for_url(url, file.content_type);
    if (reader == nullptr) {
      sink.on_rejected({"no reader for its type", url, 0, file.content_type});
      continue;
    }
    UnitSink rows = sink;
    rows.on_boundary = {};
    rows.on_progress = {};
    read_file_of_unit(file.path, url, *reader, source.spec.read, {}, {}, rows);
  }
  return pins;
}

}  // namespace athanor
