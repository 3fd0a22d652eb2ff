// collect: sources -> documents.
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/data/documents.h"
#include "athanor/data/rejected.h"
#include "athanor/data/source.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

struct CollectOptions {
  std::vector<std::string> source;
  std::string split = "file";
  std::string text_field;
  std::string invalid_utf8 = "reject";
  double max_rejected = 0.01;
  std::string as_of;
  static void fields(Fields<CollectOptions>& f) {
    f.add("source", &CollectOptions::source, "files, folders, globs, npm:NAME@VERSION/GLOB, http(s) addresses").required();
    f.add("split", &CollectOptions::split, "what of a text file is one document").choices({"file", "lines", "paragraphs"});
    f.add("text_field", &CollectOptions::text_field, "the column or key with the text; empty: text, else content");
    f.add("invalid_utf8", &CollectOptions::invalid_utf8, "what happens to text that is not valid UTF-8")
        .choices({"reject", "replace"});
    f.add("max_rejected", &CollectOptions::max_rejected, "share of rows that may be rejected before the run stops")
        .range(0, 1);
    f.add("as_of", &CollectOptions::as_of, "for http(s): a date; another one asks for a new snapshot");
  }
};

std::vector<ResolvedSource> resolve_all(const CollectOptions& options, SourceContext& context) {
  std::vector<ResolvedSource> sources;
  for (const auto& spec : options.source) {
    SourceSpec source;
    source.spec = spec;
    source.as_of = options.as_of;
    source.read.text_field = options.text_field;
    source.read.replace_invalid_utf8 = options.invalid_utf8 == "replace";
    source.read.split = options.split == "lines"        ? ReadOptions::Split::kLines
                        : options.split == "paragraphs" ? ReadOptions::Split::kParagraphs
                                                        : ReadOptions::Split::kFile;
    sources.push_back(resolve_source(source, context));
  }
  return sources;
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
  SourceContext context;
  context.cache_dir = pins.cache_dir;
  context.digests = &pins.digests;
  std::vector<SourcePin> all;
  for (const auto& source : resolve_all(load_options<CollectOptions>(resolved), context)) {
    all.insert(all.end(), source.pins.begin(), source.pins.end());
  }
  return pins_json(all);
}

nlohmann::json execute_collect(StageContext& stage) {
  const auto options = load_options<CollectOptions>(stage.options);
  SourceContext context;
  context.cache_dir = stage.cache_dir;
  context.digests = &stage.digests;
  DocumentWriter writer(stage.run.out_tmp());
  RejectLog rejects(stage.run.rejected());
  std::vector<SourcePin> learned;
  SourceSink sink;
  sink.on_document = [&](Document&& document) {
    check_interrupt();
    writer.add(document);
  };
  sink.on_rejected = [&](Rejected&& row) {
    rejects.add(row);
    rejects.check(writer.num_documents(), options.max_rejected);
  };
  sink.on_progress = [&](uint64_t done, uint64_t total) {
    check_interrupt();
    stage.progress.update(total > 0 ? static_cast<double>(done) / static_cast<double>(total) : -1,
                          grouped_integer(static_cast<int64_t>(writer.num_documents())) + " documents, " +
                              human_bytes(static_cast<double>(done)));
  };
  for (const auto& source : resolve_all(options, context)) {
    const auto pins = read_source(source, context, sink);
    learned.insert(learned.end(), pins.begin(), pins.end());
  }
  rejects.finish();
  rejects.check(writer.num_documents(), options.max_rejected, true);
  if (writer.num_documents() == 0) {
    throw Error(ErrorKind::kInput, "the sources hold no documents", "", "look at collect.source and collect.text_field");
  }
  writer.finish();
  stage.run.info()["pins"] = pins_json(learned);  // with the digests of what was read
  stage.run.events().emit("counts", {{"out", writer.num_documents()}, {"rejected", rejects.counts()}});
  const uint64_t documents = writer.num_documents();
  return {{"documents", documents},
          {"text_bytes", writer.text_bytes()},
          {"rejected", rejects.total()},
          {"dropped", rejects.counts()},
          {"files", learned.size()},
          {"summary", grouped_integer(static_cast<int64_t>(documents)) + " documents, " +
                          human_bytes(static_cast<double>(writer.text_bytes())) +
                          (rejects.total() > 0 ? ", " + grouped_integer(static_cast<int64_t>(rejects.total())) + " rows rejected"
                                               : "")}};
}

}  // namespace

Verb collect_verb() {
  Verb verb;
  verb.name = "collect";
  verb.summary = "bring texts in: files, folders, npm packages, web addresses";
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<CollectOptions>();
  verb.pins = pin_sources;
  verb.execute = execute_collect;
  verb.example = "athanor collect source='books/**/*.txt'";
  return verb;
}

}  // namespace athanor
