// tokenizer: documents -> tokenizer, trained, extended or pruned; with a report beside it.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/stage/stored_tokenizer.h"
#include "athanor/stage/tokenizer_recipe.h"
#include "athanor/stage/verb_list.h"
#include "athanor/token/tokenizer.h"
#include "athanor/token/train/count_run.h"

namespace athanor {

namespace {

constexpr size_t kBatchBytes = size_t{16} << 20;

struct Made {
  std::string json;
  nlohmann::json trained;  // for the report
  nlohmann::json map;      // extend and prune
};

class TokenizerWork {
 public:
  explicit TokenizerWork(StageContext& context)
      : context_(context),
        recipe_(load_options<TokenizerRecipe>(context.options)),
        documents_(Documents::open(context.input("documents").path)),
        pool_(static_cast<int>(recipe_.threads)) {}

  nlohmann::json run() {
    const double begin = monotonic_time();
    reset_peak_memory();
    const Made made = make();
    if (!context_.shard.whole()) {
      return nlohmann::json::object();
    }
    const fs::path out = context_.run.out_tmp();
    make_dirs(out);
    const Tokenizer tokenizer = Tokenizer::from_json(made.json, "the trained tokenizer");
    store_tokenizer(context_, tokenizer);
    if (!made.map.is_null()) {
      write_file_atomic(out / "token_map.json", made.map.dump() + "\n");
    }
    context_.run.events().emit(
        "speed", {{"seconds", monotonic_time() - begin}, {"peak_memory_bytes", peak_memory_bytes()}});
    return summary(tokenizer, made, monotonic_time() - begin);
  }

 private:
  Made make() {
    if (recipe_.kind == "bytes") {
      return {Tokenizer::bytes(recipe_.special_tokens).to_json(), {{"kind", "bytes"}}, nullptr};
    }
    if (recipe_.kind == "char") {
      return train_characters();
    }
    if (recipe_.kind == "prune") {
      return prune();
    }
    if (recipe_.kind == "extend") {
      const auto [text, where] = old_tokenizer();
      return train(TokenizerExtender(text, where));
    }
    return train(std::nullopt);
  }

  std::pair<std::string, std::string> old_tokenizer() const {
    const StageInput* input = context_.find("tokenizer");
    if (input == nullptr) {
      throw Error(ErrorKind::kUsage, "kind: " + recipe_.kind + " needs a tokenizer to begin with",
                  "tokenizer.from", "from: {documents: ..., tokenizer: RUN or PATH}");
    }
    return {Tokenizer::load(input->path).to_json(), input->path.string()};
  }

  Made train(std::optional<TokenizerExtender> extender) {
    const TextCounter counter(recipe_, extender ? &*extender : nullptr);
    const fs::path path = count_documents(context_, recipe_, counter, documents_, pool_);
    if (!context_.shard.whole()) {
      return {};
    }
    const token::CountTotals totals = token::CountRunReader(path).totals();
    const CountSource counts = counts_of_run(path);
    const auto progress = [this](double fraction) {
      check_interrupt();
      context_.progress.update(0.65 + 0.3 * fraction, "training");
    };
    Made made;
    if (extender) {
      AdaptedTokenizer more = extender->extend(counts, recipe_.add_tokens, recipe_.min_frequency, progress);
      made = {std::move(more.json), {{"new_tokens", more.map["new_tokens"].size()}}, std::move(more.map)};
    } else if (recipe_.kind == "unigram") {
      UnigramTrainer trainer(unigram_options(recipe_));
      made.json = trainer.train_json(counts, pool_, progress);
      made.trained = trainer.report();
    } else if (recipe_.kind == "word") {
      made.json = train_words(bpe_options(recipe_), counts, made.trained);
    } else {
      BpeTrainer trainer(bpe_options(recipe_));
      made.json = trainer.train_json(counts, progress);
      made.trained = trainer.report();
    }
    made.trained["kind"] = recipe_.kind;
    made.trained["different_words"] = totals.pieces;
    made.trained["counted_words"] = totals.counted;
    made.trained["counted_bytes"] = totals.counted_bytes;
    return made;
  }

  Made train_characters() {
    CharTrainer trainer(recipe_.special_tokens);
    const double share = sample_share(recipe_, documents_.text_bytes());
    documents_.for_each([&](uint64_t, Document&& document) {
      check_interrupt();
      if (in_sample(document, share, recipe_.seed)) {
        trainer.add(document.text);
      }
    });
    const std::string json = trainer.train().to_json();
    if (const auto size = trainer.report().at("vocab_size").get<int64_t>(); size > recipe_.vocab_size) {
      throw Error(ErrorKind::kUsage, "vocab_size " + std::to_string(recipe_.vocab_size) + " is less than the " + std::to_string(size) +
                      " special tokens and characters", "tokenizer.vocab_size", "raise it: kind char keeps every character");
    }
    return {json, trainer.report(), nullptr};
  }

  Made prune() {
    const auto [text, where] = old_tokenizer();
    const Tokenizer old = Tokenizer::from_json(text, where);
    std::vector<uint64_t> uses(static_cast<size_t>(old.vocab_size()));
    std::vector<std::string> batch;
    std::vector<std::vector<int32_t>> ids;
    size_t batch_bytes = 0;
    uint64_t bytes = 0;
    const auto flush = [&] {
      const std::vector<std::string_view> views(batch.begin(), batch.end());
      encode_batch(old, views, pool_, ids);
      for (const auto& list : ids) {
        for (const int32_t id : list) {
          ++uses[id];
        }
      }
      batch.clear();
      bytes += std::exchange(batch_bytes, 0);
      context_.progress.update(0.9 * static_cast<double>(bytes) /
                                   static_cast<double>(std::max<uint64_t>(1, documents_.text_bytes())),
                               "counting tokens");
    };
    const double share = sample_share(recipe_, documents_.text_bytes());
    documents_.for_each([&](uint64_t, Document&& document) {
      check_interrupt();
      if (in_sample(document, share, recipe_.seed)) {
        batch_bytes += document.text.size();
        batch.push_back(std::move(document.text));
      }
      if (batch_bytes >= kBatchBytes) {
        flush();
      }
    });
    flush();
    AdaptedTokenizer less = prune_tokenizer(text, where, uses, static_cast<uint64_t>(recipe_.keep_count));
    nlohmann::json trained{
        {"kind", "prune"}, {"old_vocab_size", less.map["old_vocab_size"]}, {"counted_bytes", bytes}};
    return {std::move(less.json), std::move(trained), std::move(less.map)};
  }

  std::vector<std::pair<std::string, fs::path>> compared() const {
    std::vector<std::pair<std::string, fs::path>> list;
    if (const StageInput* input = context_.find("tokenizer")) {
      list.emplace_back("the one before", input->path);
    }
    for (const std::string& path : recipe_.compare) {
      list.emplace_back(fs::path(path).filename().empty() ? fs::path(path).parent_path().filename().string()
                                                          : fs::path(path).filename().string(),
                        path);
    }
    return list;
  }

  nlohmann::json summary(const Tokenizer& tokenizer, const Made& made, double seconds) {
    nlohmann::json result{{"vocab_size", tokenizer.vocab_size()},
                          {"trained", made.trained},
                          {"seconds_trained", seconds},
                          {"peak_memory_bytes", peak_memory_bytes()}};
    std::string text = grouped_integer(tokenizer.vocab_size()) + " tokens";
    if (recipe_.report_bytes > 0) {
      context_.progress.update(0.96, "report");
      const StageInput* valid = context_.find("valid");
      const Documents texts =
          Documents::open(valid != nullptr ? valid->path : context_.input("documents").path);
      const nlohmann::json report =
          write_tokenizer_report({recipe_, texts, valid != nullptr, made.trained, compared()}, tokenizer,
                                 context_.run.out_tmp(), pool_);
      const auto& fertility = report["fertility"];
      result["bytes_per_token"] = fertility["bytes_per_token"];
      result["tokens_per_word"] = fertility["tokens_per_word"];
      result["tokens_per_han_character"] = fertility["tokens_per_han_character"];
      result["unused_tokens"] = report["tokens"]["unused"];
      result["sampled_bytes"] = fertility["text_bytes"];
      if (fertility["bytes_per_token"].is_number()) {
        text += ", " + fixed_number(fertility["bytes_per_token"].get<double>(), 2) + " bytes a token";
      }
    }
    result["summary"] = text;
    return result;
  }

  StageContext& context_;
  TokenizerRecipe recipe_;
  Documents documents_;
  ThreadPool pool_;
};

nlohmann::json execute_tokenizer(StageContext& context) {
  make_dirs(context.run.state());
  if (context.shard.whole()) {
    context.run.events().truncate(0);
  }
  return TokenizerWork(context).run();
}

nlohmann::json pin_compared(const nlohmann::json& resolved, PinContext& pins) {
  auto list = nlohmann::json::array();
  for (const auto& path : resolved.value("compare", std::vector<std::string>{})) {
    list.push_back({{"source", path}, {"sha256", pins.digests.path_digest(path)}});
  }
  return list;
}

}  // namespace

Verb tokenizer_verb() {
  Verb verb;
  verb.name = "tokenizer";
  verb.summary = "train, extend or prune a tokenizer (HF tokenizer.json), with a report";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to learn from"},
                {"valid", ArtifactKind::kDocuments, false, "held-out documents for the report"},
                {"tokenizer", ArtifactKind::kTokenizer, false, "what to extend or prune"}};
  verb.output = ArtifactKind::kTokenizer;
  verb.schema = schema_of<TokenizerRecipe>();
  verb.resumable = true;
  verb.revision = 3;
  verb.shards = true;
  verb.prepare = prepare_tokenizer;
  verb.pins = pin_compared;
  verb.execute = execute_tokenizer;
  verb.plan = plan_tokenizer;
  verb.notes = tokenizer_notes;
  verb.example = "athanor tokenizer from=split-1a2b3c4d/train vocab_size=8192";
  return verb;
}

}  // namespace athanor
