// collect: sources -> documents.
#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/data/collect/collect_parts.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

struct CollectSeries {
  int64_t rows = 0;
  int64_t stride = 1;
  int64_t ahead = 0;
  static void fields(Fields<CollectSeries>& f) {
    f.add("rows", &CollectSeries::rows, "rows a series; 0: each row is a document; -1: a file is one series")
        .range(-1, 1 << 22);
    f.add("stride", &CollectSeries::stride, "rows from one series to the next").range(1, 1e9);
    f.add("ahead", &CollectSeries::ahead, "the meta is that of the row so many behind the last: what is to be foreseen")
        .range(0, 1 << 22);
  }
};

struct CollectOptions {
  std::vector<std::string> source;
  std::string data_dir;
  std::string split = "file";
  std::string text_field;
  nlohmann::json field_map = nlohmann::json::object();
  std::vector<std::string> columns;
  std::string separator;
  CollectSeries series;
  bool images = false;
  std::string members;
  std::string query;
  std::string query_key;
  std::string invalid_utf8 = "reject";
  double max_rejected = 0.01;
  std::string as_of;
  bool robots = true;
  double seconds_between = 1;
  std::string contact;
  int64_t part_bytes = static_cast<int64_t>(kPartBytes);
  std::string pages = "zstd";
  int64_t threads = 0;
  static void fields(Fields<CollectOptions>& f) {
    f.add("source", &CollectOptions::source,
          "files, folders, globs, npm:NAME@VERSION/GLOB, http(s) addresses, urls:FILE, sqlite:FILE, postgres:CONNECTION")
        .required();
    f.add("data_dir", &CollectOptions::data_dir, "where sources that are relative paths start from; empty: this folder")
        .speed();  // files are known by their bytes
    f.add("split", &CollectOptions::split, "what of a text file is one document").choices({"file", "lines", "paragraphs"});
    f.add("text_field", &CollectOptions::text_field, "the column or key with the text; empty: text, else content");
    f.add("fields", &CollectOptions::field_map,
          "what of a record is text and meta: {text: [title, body], id: post.id}, or {text: '*'} for tables; takes "
          "text_field's place");
    f.add("columns", &CollectOptions::columns, "csv, tsv: the names of the columns of files that have no header row");
    f.add("separator", &CollectOptions::separator,
          "csv, tsv: what stands between two columns; empty: a comma, in tsv a tab, and where a csv has but one column by commas "
          "whichever of ; tab | parts its header and first rows alike")
        .choices({"", ",", ";", "tab", "|"});
    f.add("series", &CollectOptions::series, "csv, tsv: rows put together to series, a document each");
    f.add("images", &CollectOptions::images, "folders: take .png and .jpg files and archives (.tar, .zip) too");
    f.add("members", &CollectOptions::members, "archives: which of their files, with *, ? and **; empty: all");
    f.add("query", &CollectOptions::query, "for sqlite and postgres: one SELECT");
    f.add("query_key", &CollectOptions::query_key,
          "for postgres: a column of the query that tells rows apart (a primary key): rows come in its order and in parts, "
          "so that a killed run reads on; empty: one part");
    f.add("invalid_utf8", &CollectOptions::invalid_utf8, "what happens to text that is not valid UTF-8")
        .choices({"reject", "replace"});
    f.add("max_rejected", &CollectOptions::max_rejected, "share of rows that may be rejected before the run stops")
        .range(0, 1);
    f.add("as_of", &CollectOptions::as_of, "for http(s), urls and SQL: a date; another one asks for a new snapshot");
    f.add("robots", &CollectOptions::robots, "for urls: keep to robots.txt");
    f.add("seconds_between", &CollectOptions::seconds_between, "for urls: pause between two requests to one host")
        .range(0, 600)
        .speed();
    f.add("contact", &CollectOptions::contact, "for urls: an address or e-mail for the hosts' owners (User-Agent)").speed();
    f.add("part_bytes", &CollectOptions::part_bytes,
          "how much of the sources goes into one part: what a kill can lose, and one shard of the result")
        .range(1024, 1e12);
    f.add("pages", &CollectOptions::pages,
          "how the pages of the shards are compressed: zstd is the smallest; lz4 and snappy are faster to write and read")
        .choices({"zstd", "lz4", "snappy"});
    f.add("threads", &CollectOptions::threads, "0: one a core").range(0, 4096).speed();
  }
};

// A relative path taken from the folder; everything else (npm:, https:, ...) as it is.
std::string in_folder(const std::string& folder, const std::string& spec) {
  const std::string kind = spec.substr(0, spec.find(':') == std::string::npos ? 0 : spec.find(':') + 1);
  if (folder.empty() || (!kind.empty() && kind != "sqlite:" && kind != "urls:")) {
    return spec;
  }
  return kind + (fs::path(folder) / spec.substr(kind.size())).string();  // an absolute path stays one
}

std::vector<ResolvedSource> resolve_all(const CollectOptions& options, SourceContext& context) {
  std::vector<ResolvedSource> sources;
  for (const auto& spec : options.source) {
    SourceSpec source;
    source.spec = in_folder(options.data_dir, spec);
    source.as_of = options.as_of;
    source.query = options.query;
    source.query_key = options.query_key;
    source.read.fields = parse_field_map(options.field_map);
    source.read.text_field = options.text_field;
    source.read.columns = options.columns;
    source.read.separator = options.separator;
    source.read.series = {options.series.rows, options.series.stride, options.series.ahead};
    source.read.images = options.images;
    source.read.members = options.members;
    source.read.replace_invalid_utf8 = options.invalid_utf8 == "replace";
    source.read.split = options.split == "lines"        ? ReadOptions::Split::kLines
                        : options.split == "paragraphs" ? ReadOptions::Split::kParagraphs
                                                        : ReadOptions::Split::kFile;
    sources.push_back(resolve_source(source, context));
  }
  return sources;
}

SourceContext source_context(const CollectOptions& options, const fs::path& cache_dir, DigestCache& digests) {
  SourceContext context;
  context.cache_dir = cache_dir;
  context.digests = &digests;
  context.urls.contact = options.contact;
  context.urls.seconds_between = options.seconds_between;
  context.urls.robots = options.robots;
  return context;
}

nlohmann::json pins_json(const std::vector<SourcePin>& pins) {
  auto list = nlohmann::json::array();
  for (const auto& pin : pins) {
    nlohmann::json entry{{"source", pin.name}, {"bytes", pin.bytes}};
    if (pin.digest.starts_with("sha256:")) {
      entry["sha256"] = pin.digest.substr(7);
    } else if (!pin.digest.empty()) {
      entry["integrity"] = pin.digest;  // npm's sha512-...
    }
    list.push_back(entry);
  }
  return list;
}

nlohmann::json pin_sources(const nlohmann::json& resolved, PinContext& pins) {
  const auto options = load_options<CollectOptions>(resolved);
  SourceContext context = source_context(options, pins.cache_dir, pins.digests);
  std::vector<SourcePin> all;
  for (const auto& source : resolve_all(options, context)) {
    all.insert(all.end(), source.pins.begin(), source.pins.end());
  }
  return pins_json(all);
}

std::string summary_of(const CollectResult& result) {
  const auto count = [](uint64_t value) { return grouped_integer(static_cast<int64_t>(value)); };
  return count(result.documents) + " documents, " + human_bytes(static_cast<double>(result.text_bytes)) +
         (result.rejected > 0 ? ", " + count(result.rejected) + " rows rejected" : "");
}

// Which they are, with what their readers say of them; of many, the first few.
std::string empty_sources(const std::vector<std::string>& sources, const std::vector<std::string>& notes) {
  constexpr size_t kShown = 3;
  const auto& names = notes.empty() ? sources : notes;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (text.empty() ? "" : "; ") + names[i];
  }
  return text + (names.size() > kShown ? "; and " + std::to_string(names.size() - kShown) + " more" : "");
}

nlohmann::json execute_collect(StageContext& stage) {
  const auto options = load_options<CollectOptions>(stage.options);
  SourceContext context = source_context(options, stage.cache_dir, stage.digests);
  stage.run.events().truncate(0);  // the only event is written at the end
  CollectJob job;
  job.sources = resolve_all(options, context);
  job.max_rejected = options.max_rejected;
  job.threads = static_cast<int>(options.threads);
  job.part_bytes = static_cast<uint64_t>(options.part_bytes);
  job.pages = page_codec(options.pages, "collect.pages");
  job.shard = stage.merge ? ShardOf::none() : stage.shard;
  job.state = stage.run.state();
  job.out = stage.run.out_tmp();
  job.rejected = stage.run.rejected();
  job.on_progress = [&](uint64_t done, uint64_t total, uint64_t documents) {
    stage.progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : -1,
                          grouped_integer(static_cast<int64_t>(documents)) + " documents, " +
                              human_bytes(static_cast<double>(done)));
  };
  const CollectResult result = collect_documents(job, context);
  if (!result.complete && stage.merge) {
    throw Error(ErrorKind::kInput, std::to_string(result.missing_units) + " parts are not done", "collect",
                "run the recipe with shard=i/n for every i");
  }
  if (!result.complete) {
    return {{"paused", std::to_string(result.missing_units) + " parts belong to other shards"}};
  }
  if (result.documents == 0) {
    throw Error(ErrorKind::kInput, "the sources hold no documents", empty_sources(options.source, result.notes),
                options.series.rows > 0 ? "no table has the " + std::to_string(options.series.rows + options.series.ahead) +
                                              " rows in a row that collect.series wants (rows and ahead): fewer of them"
                                        : "look at collect.source and collect.text_field");
  }
  for (const auto& note : result.notes) {
    stage.warn(note);
  }
  stage.run.info()["pins"] = pins_json(result.pins);  // with the digests of what was read
  stage.run.events().emit("counts",
                          {{"out", result.documents}, {"rejected", result.reasons}, {"skipped", result.skipped}});
  return {{"documents", result.documents},
          {"text_bytes", result.text_bytes},
          {"rejected", result.rejected},
          {"dropped", result.reasons},
          {"skipped", result.skipped},
          {"files", result.pins.size()},
          {"summary", summary_of(result)}};
}

}  // namespace

Verb collect_verb() {
  Verb verb;
  verb.name = "collect";
  verb.summary = "bring texts in: files, web archives, mail, databases, npm packages, web addresses";
  verb.revision = 5;
  verb.resumable = true;
  verb.shards = true;
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<CollectOptions>();
  verb.pins = pin_sources;
  verb.execute = execute_collect;
  verb.example = "athanor collect source='books/**/*.txt'";
  return verb;
}

}  // namespace athanor
