// dedup: documents -> documents, without exact and near duplicates. Text is not copied.
#include "athanor/clean/near/dedup.h"

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/data/documents.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

struct DedupRecipe {
  std::string method = "minhash";
  int64_t bands = 14;
  int64_t rows = 8;
  int64_t ngram = 5;
  double threshold = 0.8;
  int64_t seed = 1;
  int64_t memory_mb = 1024;
  int64_t threads = 0;
  static void fields(Fields<DedupRecipe>& f) {
    f.add("method", &DedupRecipe::method, "exact: equal texts only; minhash: near duplicates too")
        .choices({"exact", "minhash"});
    f.add("bands", &DedupRecipe::bands, "bands of the MinHash signature").range(1, 512);
    f.add("rows", &DedupRecipe::rows, "hashes a band").range(1, 512);
    f.add("ngram", &DedupRecipe::ngram, "words (Chinese: characters) a shingle").range(1, 64);
    f.add("threshold", &DedupRecipe::threshold, "true Jaccard from which two texts are duplicates").range(0, 1);
    f.add("seed", &DedupRecipe::seed, "of the hash functions").range(0, 9e15);
    f.add("memory_mb", &DedupRecipe::memory_mb, "for shingles; the rest goes to disk").range(1, 1e9).speed();
    f.add("threads", &DedupRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

nlohmann::json execute_dedup(StageContext& context) {
  const auto recipe = load_options<DedupRecipe>(context.options);
  const Documents input = Documents::open(context.input("documents").path);
  DedupOptions options;
  options.method = recipe.method;
  options.bands = recipe.bands;
  options.rows = recipe.rows;
  options.ngram = recipe.ngram;
  options.threshold = recipe.threshold;
  options.seed = static_cast<uint64_t>(recipe.seed);
  options.memory_bytes = static_cast<uint64_t>(recipe.memory_mb) << 20;
  make_dirs(context.run.state());
  options.scratch = context.run.state().string();
  ThreadPool pool(static_cast<int>(recipe.threads));
  Deduper deduper(options, pool);
  std::vector<uint64_t> row_of;  // the deduper's rows are the kept ones
  std::vector<std::string> ids;
  uint64_t bytes = 0;
  input.for_each([&](uint64_t row, Document&& document) {
    check_interrupt();
    deduper.add(document.id, document.text);
    row_of.push_back(row);
    ids.push_back(std::move(document.id));
    bytes += document.text.size();
    context.progress.update(0.9 * static_cast<double>(row_of.size()) / static_cast<double>(input.num_documents()),
                            human_bytes(static_cast<double>(bytes)));
  });
  const Deduper::Result result = deduper.finish();

  std::vector<bool> keep(input.num_rows(), false);
  std::vector<std::string> cluster(input.num_rows());
  std::map<int64_t, std::string> keeper;  // cluster -> id of the document that stands for it
  for (size_t i = 0; i < row_of.size(); ++i) {
    if (result.keep[i]) {
      keeper[result.cluster[i]] = ids[i];
    }
  }
  uint64_t kept = 0;
  for (size_t i = 0; i < row_of.size(); ++i) {
    keep[row_of[i]] = result.keep[i];
    cluster[row_of[i]] = keeper[result.cluster[i]];
    kept += result.keep[i] ? 1 : 0;
  }
  const std::vector<Column> columns{{"cluster_id", std::move(cluster)}};
  write_filtered(context.run.out_tmp(), input, keep, columns);
  context.run.events().emit("counts", {{"in", row_of.size()},
                                       {"out", kept},
                                       {"dropped",
                                        {{"exact duplicate", result.exact_duplicates},
                                         {"near duplicate", result.near_duplicates}}}});
  return {{"documents_in", row_of.size()},
          {"documents", kept},
          {"text_bytes_in", bytes},
          {"exact_duplicates", result.exact_duplicates},
          {"near_duplicates", result.near_duplicates},
          {"candidate_pairs", result.candidates},
          {"dropped", {{"exact duplicate", result.exact_duplicates}, {"near duplicate", result.near_duplicates}}},
          {"summary", grouped_integer(static_cast<int64_t>(row_of.size())) + " -> " +
                          grouped_integer(static_cast<int64_t>(kept)) + " documents"}};
}

}  // namespace

Verb dedup_verb() {
  Verb verb;
  verb.name = "dedup";
  verb.summary = "drop exact and near duplicates (MinHash, verified)";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to deduplicate"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<DedupRecipe>();
  verb.execute = execute_dedup;
  verb.example = "athanor dedup from=clean-1a2b3c4d threshold=0.7";
  return verb;
}

}  // namespace athanor
