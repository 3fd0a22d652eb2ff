// describe: documents -> report: statistics, a page, and a data card; of rows of a table also its profile.
#include <set>

#include "athanor/base/format.h"
#include "athanor/base/text.h"
#include "athanor/base/version.h"
#include "athanor/stage/data_card.h"
#include "athanor/stage/describe_page.h"
#include "athanor/stage/describe_pass.h"
#include "athanor/stage/describe_table.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr size_t kMaxSteps = 200;

struct DescribeRecipe {
  std::string name;
  std::string description;
  std::string license;
  std::vector<std::string> language;
  std::string by;
  int64_t samples = 5;
  int64_t top = 50;
  std::string table = "auto";
  std::string label_field;
  TableOptions read;
  int64_t memory_mb = 4096;
  int64_t seed = 1;
  int64_t threads = 0;
  static void fields(Fields<DescribeRecipe>& f) {
    f.add("name", &DescribeRecipe::name, "of the data set, for the card; empty: the input's");
    f.add("description", &DescribeRecipe::description, "a paragraph for the card");
    f.add("license", &DescribeRecipe::license, "for the card, as the Hugging Face Hub spells it, such as cc-by-4.0");
    f.add("language", &DescribeRecipe::language, "ISO codes for the card; empty: what a hundredth of the documents name");
    f.add("by", &DescribeRecipe::by,
          "group by a column, meta.FIELD or script; empty: the language that documents name, else their script");
    f.add("samples", &DescribeRecipe::samples, "documents shown, of the kept ones and of each reason").range(0, 100);
    f.add("top", &DescribeRecipe::top, "names and n-grams listed").range(1, 1000);
    f.add("table", &DescribeRecipe::table,
          "the profile of a table (types, gaps, distributions, what goes together, leaks); auto: where documents are rows "
          "as collect makes them with fields: {text: '*'}")
        .choices({"auto", "true", "false"});
    f.add("label_field", &DescribeRecipe::label_field, "table: the target, for leaks and the balance of classes");
    f.add("read", &DescribeRecipe::read, "table: how columns are read");
    f.add("memory_mb", &DescribeRecipe::memory_mb, "table: a larger one has no profile").range(1, 1e9).speed();
    f.add("seed", &DescribeRecipe::seed, "of the samples").range(0, 9e15);
    f.add("threads", &DescribeRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

// Attempts of one id have the same bytes, so what is written names none of them.
std::string without_attempt(const std::string& run) { return run.substr(0, run.find('.')); }

void walk_steps(const RunStore& store, const std::string& name, std::set<std::string>& seen, nlohmann::json& steps) {
  const auto run = name.empty() ? std::nullopt : store.find(name);
  if (!run || seen.size() >= kMaxSteps || !seen.insert(run->name).second) {
    return;
  }
  for (const auto& input : run->info.value("inputs", nlohmann::json::array())) {
    walk_steps(store, input.value("run", ""), seen, steps);
  }
  nlohmann::json step{{"run", without_attempt(run->name)}, {"verb", run->info.value("verb", "")}};
  const auto result = run->info.value("result", nlohmann::json::object());
  if (result.is_object()) {
    step["summary"] = result.value("summary", "");
    for (const char* key : {"documents", "dropped", "parts", "shares"}) {
      if (result.contains(key)) {
        step[key] = result[key];
      }
    }
    for (const auto& rule : result.value("funnel", nlohmann::json::array())) {
      step["funnel"].push_back({{"rule", rule.value("rule", "")},
                                {"in", rule.value("in", uint64_t{0})},
                                {"dropped", rule.value("dropped", uint64_t{0})},
                                {"out", rule.value("out", uint64_t{0})}});
    }
  }
  steps.push_back(std::move(step));
}

nlohmann::json execute_describe(StageContext& context) {
  if (context.shard.whole()) {
    context.run.events().truncate(0);
  }
  const auto recipe = load_options<DescribeRecipe>(context.options);
  const StageInput& source = context.input("documents");
  const Documents input = Documents::open(source.path);
  ThreadPool pool(static_cast<int>(recipe.threads));
  DescribeOptions options;
  options.by = recipe.by;
  options.num_samples = static_cast<size_t>(recipe.samples);
  options.seed = static_cast<uint64_t>(recipe.seed);
  const double begin = monotonic_time();
  const PartJournal journal(context.run.state() / "parts", context.shard);
  if (!context.merge) {
    describe_shards(input, options, pool, journal, context.shard, [&](double fraction) {
      context.progress.update(fraction, human_bytes(fraction * static_cast<double>(input.text_bytes())));
    });
  }
  if (!context.shard.whole()) {
    return nlohmann::json::object();
  }
  Statistics counted = gather_statistics(input, options, journal);
  const double seconds = monotonic_time() - begin;
  nlohmann::json statistics = to_json(counted, {group_name(input, recipe.by), static_cast<size_t>(recipe.top)});
  const RunInput& record = source.record;
  statistics["name"] = !recipe.name.empty()  ? recipe.name
                       : !record.run.empty() ? without_attempt(record.run) + (record.part.empty() ? "" : "/" + record.part)
                                             : source.path.filename().string();
  std::set<std::string> seen;
  auto& steps = statistics["steps"] = nlohmann::json::array();
  walk_steps(RunStore(context.run.dir().parent_path()), record.run, seen, steps);

  if (recipe.table == "true" || (recipe.table == "auto" && (!recipe.label_field.empty() || are_table_rows(input)))) {
    std::string why;
    statistics["table"] = describe_table(input, recipe.read, recipe.label_field, static_cast<uint64_t>(recipe.memory_mb) << 20, pool, why);
    if (!why.empty()) {
      context.warn(why);
    }
  }

  const fs::path out = context.run.out_tmp();
  make_dirs(out);
  Report page = describe_page(statistics);
  page.footer = "athanor " + std::string(kVersion) + ", commit " + kCommit;
  page.data = statistics;
  write_report(page, out);
  write_file_atomic(out / "statistics.json", statistics.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  const DataCard card{statistics["name"], recipe.description, recipe.license, recipe.language};
  write_file_atomic(out / "README.md", data_card(card, statistics));
  context.run.events().emit("speed", {{"seconds", seconds}, {"bytes", counted.bytes}});
  return {{"documents", counted.documents},
          {"text_bytes", counted.bytes},
          {"characters", counted.characters},
          {"words", counted.words},
          {"dropped_documents", counted.dropped},
          {"summary", grouped_integer(static_cast<int64_t>(counted.documents)) + " documents, " +
                          human_count(static_cast<double>(counted.words)) + " words, " +
                          human_bytes(static_cast<double>(counted.bytes))}};
}

}  // namespace

Verb describe_verb() {
  Verb verb;
  verb.name = "describe";
  verb.revision = 3;
  verb.summary = "statistics, a page and a data card of documents";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to describe"}};
  verb.output = ArtifactKind::kReport;
  verb.schema = schema_of<DescribeRecipe>();
  verb.resumable = true;
  verb.shards = true;
  verb.execute = execute_describe;
  verb.example = "athanor describe from=clean-1a2b3c4d license=cc-by-4.0";
  return verb;
}

}  // namespace athanor
