// count: documents x tokenizer -> documents with the column num_tokens, by which mixtures keep token budgets.
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/data/documents/documents_columns.h"
#include "athanor/stage/verb_list.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

namespace {

constexpr size_t kBatchBytes = size_t{8} << 20;

struct CountRecipe {
  std::string as = "num_tokens";
  int64_t threads = 0;
  static void fields(Fields<CountRecipe>& f) {
    f.add("as", &CountRecipe::as, "the column's name");
    f.add("threads", &CountRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

// Tokens of every row of a shard; 0 for rows that are not kept.
std::vector<int64_t> count_shard(const Documents& documents, size_t shard, const Tokenizer& tokenizer, ThreadPool& pool) {
  std::vector<int64_t> counts(static_cast<size_t>(documents.manifest().shards[shard].rows), 0);
  std::vector<std::string> texts;
  std::vector<size_t> rows;
  std::vector<std::vector<int32_t>> ids;
  size_t bytes = 0;
  const auto flush = [&] {
    encode_batch(tokenizer, std::vector<std::string_view>(texts.begin(), texts.end()), pool, ids);
    for (size_t i = 0; i < rows.size(); ++i) {
      counts[rows[i]] = static_cast<int64_t>(ids[i].size());
    }
    texts.clear();
    rows.clear();
    bytes = 0;
  };
  const uint64_t first = documents.first_row(shard);
  documents.for_each_in(shard, [&](uint64_t row, Document&& document) {
    check_interrupt();
    bytes += document.text.size();
    texts.push_back(std::move(document.text));
    rows.push_back(static_cast<size_t>(row - first));
    if (bytes >= kBatchBytes) {
      flush();
    }
  });
  flush();
  return counts;
}

nlohmann::json execute_count(StageContext& context) {
  const auto recipe = load_options<CountRecipe>(context.options);
  const Tokenizer tokenizer = Tokenizer::load(context.input("tokenizer").path);
  const Documents documents = Documents::open(context.input("documents").path);
  ThreadPool pool(static_cast<int>(recipe.threads));
  const ColumnWriter writer(context.run.out_tmp(), documents, {{recipe.as, ColumnType::kInt64}});
  int64_t tokens = 0;
  for (size_t shard = 0; shard < documents.num_shards(); ++shard) {
    std::vector<int64_t> counts = count_shard(documents, shard, tokenizer, pool);
    for (const int64_t count : counts) {
      tokens += count;
    }
    writer.write_shard(shard, {std::move(counts)});
    context.progress.update(static_cast<double>(shard + 1) / static_cast<double>(documents.num_shards()),
                            human_count(static_cast<double>(tokens)) + " tokens");
  }
  writer.finish({});
  return {{"documents", documents.num_documents()},
          {"text_bytes", documents.text_bytes()},
          {"tokens_counted", tokens},
          {"summary", human_count(static_cast<double>(tokens)) + " tokens in " +
                          grouped_integer(static_cast<int64_t>(documents.num_documents())) + " documents"}};
}

}  // namespace

Verb count_verb() {
  Verb verb;
  verb.name = "count";
  verb.summary = "count each document's tokens into a column";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "the texts"},
                {"tokenizer", ArtifactKind::kTokenizer, true, "a tokenizer, or a model that holds one"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<CountRecipe>();
  verb.execute = execute_count;
  verb.example = "athanor count 'from={documents: clean-1a2b3c4d, tokenizer: tokenizer-5e6f7a8b}'";
  return verb;
}

}  // namespace athanor
