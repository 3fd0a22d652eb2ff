// count: documents x tokenizer -> documents with the column num_tokens, by which mixtures keep token budgets.
#include <numeric>

#include "athanor/base/format.h"
#include "athanor/base/thread_pool.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/column_parts.h"
#include "athanor/stage/document_parts.h"
#include "athanor/stage/verb_list.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

namespace {

struct CountRecipe {
  std::string as = "num_tokens";
  int64_t threads = 0;
  static void fields(Fields<CountRecipe>& f) {
    f.add("as", &CountRecipe::as, "the column's name");
    f.add("threads", &CountRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

nlohmann::json execute_count(StageContext& context) {
  const auto recipe = load_options<CountRecipe>(context.options);
  const Tokenizer tokenizer = Tokenizer::load(context.input("tokenizer").path);
  const Documents documents = Documents::open(context.input("documents").path);
  ThreadPool pool(static_cast<int>(recipe.threads));
  ColumnParts parts(context, documents, {{recipe.as, ColumnType::kInt64}}, kPartBytes);
  const auto count = [&](const std::vector<Document>& some) {
    std::vector<int64_t> counts(some.size());
    pool.parallel_for(some.size(), [&](size_t i) {
      counts[i] = static_cast<int64_t>(tokenizer.count(some[i].text));
    });
    return std::vector<ColumnValues>{std::move(counts)};
  };
  if (!parts.fill(count)) {
    return nlohmann::json::object();
  }
  int64_t tokens = 0;
  parts.write([&](size_t, std::vector<ColumnValues>& values) {
    const auto& counts = std::get<std::vector<int64_t>>(values[0]);
    tokens = std::accumulate(counts.begin(), counts.end(), tokens);
  });
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
  verb.resumable = true;
  verb.shards = true;
  verb.execute = execute_count;
  verb.example = "athanor count 'from={documents: clean-1a2b3c4d, tokenizer: tokenizer-5e6f7a8b}'";
  return verb;
}

}  // namespace athanor
