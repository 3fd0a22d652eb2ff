// tokenizer: documents -> tokenizer.
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/verb_list.h"
#include "athanor/token/tokenizer.h"
#include "athanor/token/train/trainer.h"

namespace athanor {

namespace {

struct TokenizerOptions {
  std::string kind = "bpe";
  int64_t vocab_size = 8192;
  int64_t min_frequency = 2;
  std::vector<std::string> special_tokens = {"<|endoftext|>"};
  std::string pre_tokenizer = "gpt2";
  static void fields(Fields<TokenizerOptions>& f) {
    f.add("kind", &TokenizerOptions::kind, "bpe: byte-level BPE; char: one token a character; bytes: 256 of them")
        .choices({"bpe", "char", "bytes"});
    f.add("vocab_size", &TokenizerOptions::vocab_size, "tokens, the special ones included (bpe)").range(257, 1e7);
    f.add("min_frequency", &TokenizerOptions::min_frequency, "pairs seen less often are not merged (bpe)")
        .range(0, 1e12);
    f.add("special_tokens", &TokenizerOptions::special_tokens, "the first separates documents");
    f.add("pre_tokenizer", &TokenizerOptions::pre_tokenizer, "how text is cut before merging (bpe)")
        .choices({"gpt2", "llama3", "qwen2"});
  }
};

// Sum over the documents of what fn adds.
template <class Fn>
uint64_t walk(const Documents& documents, Progress& progress, double from, double to, Fn fn) {
  uint64_t bytes = 0;
  const double all = static_cast<double>(std::max<uint64_t>(1, documents.text_bytes()));
  documents.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    fn(document.text);
    bytes += document.text.size();
    progress.update(from + (to - from) * static_cast<double>(bytes) / all, human_bytes(static_cast<double>(bytes)));
  });
  return bytes;
}

Tokenizer train_tokenizer(const TokenizerOptions& options, const Documents& documents, Progress& progress) {
  if (options.kind == "bytes") {
    return Tokenizer::bytes(options.special_tokens);
  }
  if (options.kind == "char") {
    CharTrainer trainer(options.special_tokens);
    walk(documents, progress, 0, 0.8, [&](const std::string& text) { trainer.add(text); });
    return trainer.train();
  }
  BpeTrainOptions settings;
  settings.vocab_size = options.vocab_size;
  settings.min_frequency = options.min_frequency;
  settings.special_tokens = options.special_tokens;
  settings.pre_tokenizer = options.pre_tokenizer;
  BpeTrainer trainer(settings);
  walk(documents, progress, 0, 0.4, [&](const std::string& text) { trainer.add(text); });
  return trainer.train([&](double fraction) {
    check_interrupt();
    progress.update(0.4 + 0.5 * fraction, "merging");
  });
}

nlohmann::json execute_tokenizer(StageContext& context) {
  const auto options = load_options<TokenizerOptions>(context.options);
  const Documents documents = Documents::open(context.input("documents").path);
  const Tokenizer tokenizer = train_tokenizer(options, documents, context.progress);
  write_file_atomic(context.run.out_tmp() / "tokenizer.json", tokenizer.to_json());
  // Fertility on a sample of the texts it was trained on.
  constexpr uint64_t kSampleBytes = 4 << 20;
  std::vector<int32_t> ids;
  uint64_t bytes = 0;
  uint64_t tokens = 0;
  documents.for_each([&](uint64_t, Document&& document) {
    if (bytes < kSampleBytes) {
      ids.clear();
      tokenizer.encode(document.text, ids);
      bytes += document.text.size();
      tokens += ids.size();
    }
  });
  const double bytes_per_token = static_cast<double>(bytes) / static_cast<double>(std::max<uint64_t>(1, tokens));
  return {{"vocab_size", tokenizer.vocab_size()},
          {"bytes_per_token", bytes_per_token},
          {"sampled_bytes", bytes},
          {"summary", grouped_integer(tokenizer.vocab_size()) + " tokens, " + fixed_number(bytes_per_token, 2) +
                          " bytes a token"}};
}

}  // namespace

Verb tokenizer_verb() {
  Verb verb;
  verb.name = "tokenizer";
  verb.summary = "train a tokenizer (HF tokenizer.json)";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to learn from"}};
  verb.output = ArtifactKind::kTokenizer;
  verb.schema = schema_of<TokenizerOptions>();
  verb.execute = execute_tokenizer;
  verb.example = "athanor tokenizer from=split-1a2b3c4d/train vocab_size=8192";
  return verb;
}

}  // namespace athanor
