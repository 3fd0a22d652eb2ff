// encode: documents x tokenizer -> tokens.
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/text.h"
#include "athanor/base/thread_pool.h"
#include "athanor/data/documents.h"
#include "athanor/data/token_set.h"
#include "athanor/stage/encode.h"
#include "athanor/stage/verb_list.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

namespace {

constexpr size_t kBatchBytes = size_t{16} << 20;

struct EncodeRecipe {
  int64_t threads = 0;
  static void fields(Fields<EncodeRecipe>& f) {
    f.add("threads", &EncodeRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

nlohmann::json execute_encode(StageContext& context) {
  const auto options = load_options<EncodeRecipe>(context.options);
  const Tokenizer tokenizer = Tokenizer::load(context.input("tokenizer").path);
  const Documents documents = Documents::open(context.input("documents").path);
  return encode_documents(documents, tokenizer, context.run.out_tmp(), static_cast<int>(options.threads),
                          context.progress);
}

}  // namespace

nlohmann::json encode_documents(const Documents& documents, const Tokenizer& tokenizer, const fs::path& dir,
                                int threads, Progress& progress) {
  ThreadPool pool(threads);
  TokenSetWriter writer(dir, tokenizer.vocab_size(), tokenizer.end_of_text(),
                        sha256_hex(tokenizer.to_json()));
  std::vector<Document> batch;
  std::vector<std::vector<int32_t>> ids;
  size_t batch_bytes = 0;
  uint64_t bytes = 0;
  uint64_t tokens = 0;
  const double begin = monotonic_time();
  const auto flush = [&] {
    std::vector<std::string_view> texts;
    for (const auto& document : batch) {
      texts.push_back(document.text);
    }
    encode_batch(tokenizer, texts, pool, ids);
    for (size_t i = 0; i < batch.size(); ++i) {
      writer.add(batch[i].id, ids[i], batch[i].text.size());
      tokens += ids[i].size();
    }
    batch.clear();
    batch_bytes = 0;
  };
  documents.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    batch_bytes += document.text.size();
    bytes += document.text.size();
    batch.push_back(std::move(document));
    if (batch_bytes >= kBatchBytes) {
      flush();
      progress.update(static_cast<double>(bytes) / static_cast<double>(std::max<uint64_t>(1, documents.text_bytes())),
                      human_bytes(static_cast<double>(bytes) / (monotonic_time() - begin)) + "/s");
    }
  });
  flush();
  writer.finish();
  const double bytes_per_token = static_cast<double>(bytes) / static_cast<double>(std::max<uint64_t>(1, tokens));
  return {{"documents", writer.num_documents()},
          {"tokens", writer.num_tokens()},
          {"text_bytes", bytes},
          {"bytes_per_token", bytes_per_token},
          {"summary", human_count(static_cast<double>(writer.num_tokens())) + " tokens, " +
                          fixed_number(bytes_per_token, 2) + " bytes a token"}};
}

Verb encode_verb() {
  Verb verb;
  verb.name = "encode";
  verb.summary = "turn documents into token shards";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "the texts"},
                {"tokenizer", ArtifactKind::kTokenizer, true, "a tokenizer, or a model that holds one"}};
  verb.output = ArtifactKind::kTokens;
  verb.schema = schema_of<EncodeRecipe>();
  verb.execute = execute_encode;
  verb.example = "athanor encode 'from={documents: split-1a2b3c4d/train, tokenizer: tokenizer-5e6f7a8b}'";
  return verb;
}

}  // namespace athanor
