// encode: documents x tokenizer -> tokens.
#include <algorithm>
#include <atomic>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/text.h"
#include "athanor/base/thread_pool.h"
#include "athanor/data/documents/documents.h"
#include "athanor/data/tokens/token_set.h"
#include "athanor/run/journal.h"
#include "athanor/stage/document_parts.h"
#include "athanor/stage/encode.h"
#include "athanor/stage/verb_list.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

namespace {

struct EncodeRecipe {
  double dropout = 0;
  double alpha = 0;
  int64_t nbest = 0;
  int64_t seed = 1;
  int64_t threads = 0;
  static void fields(Fields<EncodeRecipe>& f) {
    f.add("dropout", &EncodeRecipe::dropout, "BPE: chance that a merge is passed over (subword regularisation)").range(0, 1);
    f.add("alpha", &EncodeRecipe::alpha, "Unigram: draw a way to write the text, with chance ~ P^alpha; 0: the likeliest")
        .range(0, 100);
    f.add("nbest", &EncodeRecipe::nbest, "Unigram: draw from the n likeliest only; 0: from all").range(0, 1024);
    f.add("seed", &EncodeRecipe::seed, "of dropout and alpha: another one gives other pieces").range(0, 9e15);
    f.add("threads", &EncodeRecipe::threads, "0: one a core").range(0, 4096).speed();
  }
};

// Sampling that the tokenizer's model has no use for would make another run of the same ids.
void check_sampling(const EncodeRecipe& options, const Tokenizer& tokenizer, const std::string& where) {
  if (options.nbest > 0 && options.alpha == 0) {
    throw Error(ErrorKind::kUsage, "nbest says from how many ways alpha draws one; alpha is 0, so nothing is drawn", "encode.nbest",
                "alpha=0.1, or leave nbest out");
  }
  const bool draws = options.alpha > 0;
  if (options.dropout == 0 && !draws) {
    return;
  }
  const std::string type = nlohmann::json::parse(tokenizer.to_json()).at("model").value("type", "");
  const auto refuse = [&](const char* option, const char* owner) {
    throw Error(ErrorKind::kUsage, std::string(option) + " is for " + owner + "; this tokenizer is a " + type, where,
                std::string("leave ") + option + " out");
  };
  if (options.dropout > 0 && type != "BPE") {
    refuse("dropout", "BPE");
  }
  if (draws && type != "Unigram") {
    refuse("alpha", "Unigram");
  }
}

nlohmann::json execute_encode(StageContext& context) {
  const auto options = load_options<EncodeRecipe>(context.options);
  const Tokenizer tokenizer = Tokenizer::load(context.input("tokenizer").path);
  check_sampling(options, tokenizer, context.input("tokenizer").path.string());
  const Documents documents = Documents::open(context.input("documents").path);
  if (context.shard.whole()) {
    context.run.events().truncate(0);
  }
  return encode_documents(context, documents, tokenizer, context.run.out_tmp(),
                          {static_cast<int>(options.threads),
                           {options.dropout, options.alpha, static_cast<int>(options.nbest)},
                           static_cast<uint64_t>(options.seed)});
}

// A document's own number: half of its id.
uint64_t number_of(const Document& document) {
  return std::stoull(document.id.substr(0, 16), nullptr, 16);  // 32 hex digits, which the readers see to
}

// Encodes the parts that are not done. Threads take a shard each while there are enough of them, else they share one.
class PartEncoder {
 public:
  PartEncoder(StageContext& context, const Documents& documents, const Tokenizer& tokenizer,
              const EncodeSettings& settings)
      : context_(context),
        documents_(documents),
        tokenizer_(tokenizer),
        digest_(sha256_hex(tokenizer.to_json())),
        settings_(settings),
        pool_(settings.threads),
        journal_(context.run.state() / "parts", context.shard),
        parts_(cut_into_parts(documents)) {}

  void encode() {
    std::vector<size_t> shards;
    size_t number = 0;
    for (size_t shard = 0; shard < parts_.size(); ++shard) {
      wanted_.push_back(parts_to_do(parts_[shard], number, journal_, context_));
      number += parts_[shard].size();
      if (std::find(wanted_[shard].begin(), wanted_[shard].end(), true) != wanted_[shard].end()) {
        shards.push_back(shard);
      }
    }
    if (shards.size() >= static_cast<size_t>(pool_.num_threads())) {
      pool_.parallel_for(shards.size(), [&](size_t i) { encode_shard(shards[i], nullptr); });
    } else {
      for (const size_t shard : shards) {
        encode_shard(shard, &pool_);
      }
    }
  }

  // All parts into one set, in the order of the documents.
  void join(TokenSetWriter& writer) const {
    std::vector<int32_t> ids;
    for (const auto& parts : parts_) {
      for (const PartCut& part : parts) {
        const TokenSet set = TokenSet::open(journal_.path(part.key));
        const uint64_t end_marks = set.end_of_text() >= 0 ? 1 : 0;  // which the writer adds again
        for (uint64_t i = 0; i < set.num_documents(); ++i) {
          ids.resize(set.document_end(i) - set.document_begin(i) - end_marks);
          set.read(set.document_begin(i), ids.size(), ids.data());
          writer.add(set.document_id(i), ids, set.document_bytes(i));
        }
      }
    }
  }

  TokenSetWriter writer(const fs::path& dir) const {
    return TokenSetWriter(dir, tokenizer_.vocab_size(), tokenizer_.end_of_text(), digest_);
  }

 private:
  void encode_shard(size_t shard, ThreadPool* pool) {
    read_parts(documents_, shard, parts_[shard], wanted_[shard], [&](const PartCut& part, std::vector<Document>& batch) {
      journal_.write(part.key, [&](const fs::path& folder) { encode_part(batch, pool, folder); });
      const uint64_t bytes = bytes_ += part.bytes;
      context_.progress.update(
          static_cast<double>(bytes) / static_cast<double>(std::max<uint64_t>(1, documents_.text_bytes())),
          human_bytes(static_cast<double>(bytes) / (monotonic_time() - begin_)) + "/s");
    });
  }

  void encode_part(const std::vector<Document>& batch, ThreadPool* pool, const fs::path& folder) const {
    TokenSetWriter part = writer(folder);
    std::vector<std::vector<int32_t>> ids(pool == nullptr ? 1 : batch.size());
    if (pool != nullptr) {
      pool->parallel_for(batch.size(), [&](size_t i) { encode_document(batch[i], ids[i]); });
    }
    for (size_t i = 0; i < batch.size(); ++i) {
      if (pool == nullptr) {
        ids[0].clear();
        encode_document(batch[i], ids[0]);
      }
      part.add(batch[i].id, ids[pool == nullptr ? 0 : i], batch[i].text.size());
    }
    part.finish();
  }

  void encode_document(const Document& document, std::vector<int32_t>& ids) const {
    if (settings_.sampling.dropout == 0 && settings_.sampling.alpha == 0) {
      tokenizer_.encode(document.text, ids);
    } else {
      tokenizer_.encode_sampled(document.text, AddedTokens::kOrdinary, settings_.sampling, settings_.seed,
                                number_of(document), ids);
    }
  }

  StageContext& context_;
  const Documents& documents_;
  const Tokenizer& tokenizer_;
  std::string digest_;
  EncodeSettings settings_;
  ThreadPool pool_;
  PartJournal journal_;
  std::vector<std::vector<PartCut>> parts_;  // by shard
  std::vector<std::vector<bool>> wanted_;
  std::atomic<uint64_t> bytes_{0};
  double begin_ = monotonic_time();
};

}  // namespace

nlohmann::json encode_documents(StageContext& context, const Documents& documents, const Tokenizer& tokenizer,
                                const fs::path& dir, const EncodeSettings& settings) {
  PartEncoder encoder(context, documents, tokenizer, settings);
  encoder.encode();
  if (!context.shard.whole()) {
    return nlohmann::json::object();
  }
  TokenSetWriter writer = encoder.writer(dir);
  encoder.join(writer);
  writer.finish();
  const double bytes = static_cast<double>(documents.text_bytes());
  const double bytes_per_token = bytes / static_cast<double>(std::max<uint64_t>(1, writer.num_tokens()));
  return {{"documents", writer.num_documents()},
          {"tokens", writer.num_tokens()},
          {"text_bytes", documents.text_bytes()},
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
  verb.resumable = true;
  verb.shards = true;
  verb.execute = execute_encode;
  verb.example = "athanor encode 'from={documents: split-1a2b3c4d/train, tokenizer: tokenizer-5e6f7a8b}'";
  return verb;
}

}  // namespace athanor
