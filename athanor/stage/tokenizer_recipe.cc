#include "athanor/stage/tokenizer_recipe.h"

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/token/train/piece_source.h"

namespace athanor {

namespace {

std::vector<std::string> names_of_cuts() {
  std::vector<std::string> names{""};
  for (const auto& kind : token::cut_kinds()) {
    names.push_back(kind.name);
  }
  return names;
}

std::vector<std::string> names_of_normalizers() {
  std::vector<std::string> names{""};
  for (const auto& kind : token::normal_kinds()) {
    names.push_back(kind.name);
  }
  return names;
}

std::string usual_cut(const std::string& kind, const std::string& style) {
  if (kind == "wordpiece") {
    return "bert";
  }
  if (kind == "word") {
    return "whitespace";
  }
  return kind == "unigram" || style == "sentencepiece" ? "metaspace" : "gpt2";
}

std::vector<std::string> usual_special_tokens(const std::string& kind, const std::string& style,
                                              bool of_bytes) {
  if (kind == "wordpiece") {
    return {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  }
  if (kind == "unigram" || style == "sentencepiece") {
    return {"<unk>", "<s>", "</s>"};
  }
  if (kind == "bpe" && !of_bytes) {
    return {"<unk>", "<|endoftext|>"};
  }
  return {"<|endoftext|>"};
}

}  // namespace

void TokenizerRecipe::fields(Fields<TokenizerRecipe>& f) {
  f.add("kind", &TokenizerRecipe::kind,
        "bpe: merges of bytes or characters; wordpiece: BERT's; unigram: the likeliest pieces; word: one token "
        "a word; "
        "char: one a character; bytes: 256 of them; extend: the input tokenizer and further merges; prune: the "
        "input "
        "tokenizer without what the documents do not use")
      .choices({"bpe", "wordpiece", "unigram", "word", "char", "bytes", "extend", "prune"});
  f.add("style", &TokenizerRecipe::style,
        "bpe: hf, the vocabulary that HF tokenizers trains; sentencepiece: that of SentencePiece's BPE")
      .choices({"hf", "sentencepiece"});
  f.add("vocab_size", &TokenizerRecipe::vocab_size,
        "tokens, the special ones included (not for char, bytes, extend, prune)")
      .range(2, 2e6);
  f.add("min_frequency", &TokenizerRecipe::min_frequency, "pairs (word: words) seen less often become no token")
      .range(0, 1e12);
  f.add("special_tokens", &TokenizerRecipe::special_tokens,
        "the first ids; empty: what the kind usually has. bpe: the first separates documents; unigram: the "
        "first is the unknown token");
  f.add("user_symbols", &TokenizerRecipe::user_symbols,
        "unigram: texts that are tokens of their own, never cut");
  f.add("pre_tokenizer", &TokenizerRecipe::pre_tokenizer,
        "where text is cut first; empty: the usual one of the kind")
      .choices(names_of_cuts());
  f.add("normalizer", &TokenizerRecipe::normalizer,
        "what is done to text before; empty: the usual one of the cut")
      .choices(names_of_normalizers());
  f.add("byte_fallback", &TokenizerRecipe::byte_fallback,
        "bpe of characters, unigram: 256 byte tokens for what is not in the alphabet");
  f.add("limit_alphabet", &TokenizerRecipe::limit_alphabet,
        "bpe of characters, wordpiece: keep so many, the most frequent; 0: all")
      .range(0, 1.2e6);
  f.add("initial_alphabet", &TokenizerRecipe::initial_alphabet,
        "bpe of characters, wordpiece: characters that are there in any case");
  f.add("max_token_length", &TokenizerRecipe::max_token_length,
        "bpe, wordpiece: tokens stay shorter (HF's meaning); 0: no bound")
      .range(0, 1e6);
  f.add("continuing_prefix", &TokenizerRecipe::continuing_prefix,
        "bpe of characters: before a symbol inside a word; wordpiece: ## when empty");
  f.add("end_of_word_suffix", &TokenizerRecipe::end_of_word_suffix,
        "bpe of characters: after the last symbol of a word");
  f.add("character_coverage", &TokenizerRecipe::character_coverage,
        "unigram, sentencepiece: share of the text that the alphabet covers")
      .range(0.9, 1);
  f.add("required_chars", &TokenizerRecipe::required_chars, "unigram, sentencepiece: covered however rare");
  f.add("max_piece_length", &TokenizerRecipe::max_piece_length, "unigram, sentencepiece: characters")
      .range(1, 63);
  f.add("split_by_script", &TokenizerRecipe::split_by_script,
        "unigram, sentencepiece: a piece is of one script");
  f.add("split_by_number", &TokenizerRecipe::split_by_number, "unigram, sentencepiece: digits join no letters");
  f.add("split_digits", &TokenizerRecipe::split_digits, "unigram, sentencepiece: a digit is a piece");
  f.add("seed_size", &TokenizerRecipe::seed_size, "unigram: pieces to begin with").range(1000, 2e7);
  f.add("shrinking_factor", &TokenizerRecipe::shrinking_factor,
        "unigram: share of the pieces that a round keeps")
      .range(0.5, 0.95);
  f.add("sub_iterations", &TokenizerRecipe::sub_iterations, "unigram: EM steps a round").range(1, 10);
  f.add("add_tokens", &TokenizerRecipe::add_tokens, "extend: tokens to learn").range(1, 2e6);
  f.add("keep_count", &TokenizerRecipe::keep_count, "prune: tokens that the documents use less often go")
      .range(1, 1e12);
  f.add("sample", &TokenizerRecipe::sample, "share of the documents to learn from, drawn by their ids")
      .range(1e-9, 1);
  f.add("limit_bytes", &TokenizerRecipe::limit_bytes,
        "lowers the share so that about so much text remains; 0: no limit")
      .range(0, 9e18);
  f.add("seed", &TokenizerRecipe::seed, "of the sample").range(0, 9e15);
  f.add("compare", &TokenizerRecipe::compare, "tokenizers to compare with in the report: files or folders");
  f.add("report_bytes", &TokenizerRecipe::report_bytes, "text that the report's numbers are of; 0: no report")
      .range(0, 1e15);
  f.add("memory_mb", &TokenizerRecipe::memory_mb, "for counting; the rest goes to disk").range(16, 1e9).speed();
  f.add("threads", &TokenizerRecipe::threads, "0: one a core").range(0, 4096).speed();
}

BpeTrainOptions bpe_options(const TokenizerRecipe& recipe) {
  BpeTrainOptions o;
  o.vocab_size = recipe.vocab_size;
  o.min_frequency = recipe.min_frequency;
  o.special_tokens = recipe.special_tokens;
  o.pre_tokenizer = recipe.pre_tokenizer;
  o.normalizer = recipe.normalizer;
  o.style = recipe.kind == "wordpiece"        ? BpeStyle::kWordPiece
            : recipe.style == "sentencepiece" ? BpeStyle::kSentencePiece
                                              : BpeStyle::kHf;
  o.limit_alphabet = recipe.limit_alphabet;
  o.initial_alphabet = recipe.initial_alphabet;
  o.max_token_length = recipe.max_token_length;
  o.continuing_prefix = recipe.continuing_prefix;
  o.end_of_word_suffix = recipe.end_of_word_suffix;
  o.byte_fallback = recipe.byte_fallback;
  o.pieces = unigram_options(recipe).pieces;
  const bool of_bytes = token::PieceSource(o.normalizer, o.pre_tokenizer).byte_level();
  if (o.style == BpeStyle::kHf && !of_bytes && !o.special_tokens.empty() && recipe.kind == "bpe") {
    o.unk_token = o.special_tokens[0];
  }
  return o;
}

UnigramTrainOptions unigram_options(const TokenizerRecipe& recipe) {
  UnigramTrainOptions o;
  o.vocab_size = recipe.vocab_size;
  o.special_tokens = recipe.special_tokens;
  o.user_symbols = recipe.user_symbols;
  o.pre_tokenizer = recipe.pre_tokenizer;
  o.normalizer = recipe.normalizer;
  o.byte_fallback = recipe.byte_fallback;
  o.pieces.max_piece_length = recipe.max_piece_length;
  o.pieces.split_by_script = recipe.split_by_script;
  o.pieces.split_by_number = recipe.split_by_number;
  o.pieces.split_digits = recipe.split_digits;
  o.pieces.character_coverage = recipe.character_coverage;
  o.pieces.required_chars = recipe.required_chars;
  o.seed_size = recipe.seed_size;
  o.shrinking_factor = recipe.shrinking_factor;
  o.sub_iterations = recipe.sub_iterations;
  return o;
}

namespace {

// An option that the kind has no use for would be believed to work: an error where it is not as it is by default.
void refuse_idle_options(const nlohmann::json& resolved, const TokenizerRecipe& recipe) {
  struct Owned {
    std::vector<const char*> options;
    bool used;
    const char* owner;
  };
  const bool bpe = recipe.kind == "bpe", unigram = recipe.kind == "unigram", wordpiece = recipe.kind == "wordpiece";
  const bool pieces = unigram || (bpe && recipe.style == "sentencepiece");
  const Owned owned[] = {
      {{"style", "end_of_word_suffix"}, bpe, "bpe"},
      {{"user_symbols", "seed_size", "shrinking_factor", "sub_iterations"}, unigram, "unigram"},
      {{"byte_fallback"}, bpe || unigram, "bpe and unigram"},
      {{"limit_alphabet", "initial_alphabet", "max_token_length", "continuing_prefix"}, bpe || wordpiece, "bpe and wordpiece"},
      {{"character_coverage", "required_chars", "max_piece_length", "split_by_script", "split_by_number", "split_digits"},
       pieces,
       "unigram and of bpe with style sentencepiece"},
      {{"add_tokens"}, recipe.kind == "extend", "extend"},
      {{"keep_count"}, recipe.kind == "prune", "prune"}};
  const nlohmann::json usual = dump_options(TokenizerRecipe{}, true);
  for (const Owned& group : owned) {
    for (const char* option : group.options) {
      if (!group.used && resolved.at(option) != usual.at(option)) {
        throw Error(ErrorKind::kUsage, std::string("is an option of ") + group.owner + ", not of kind " + recipe.kind, option,
                    "leave it out");
      }
    }
  }
}

}  // namespace

void prepare_tokenizer(nlohmann::json& resolved) {
  auto recipe = load_options<TokenizerRecipe>(resolved);
  refuse_idle_options(resolved, recipe);
  const bool trains =
      recipe.kind == "bpe" || recipe.kind == "wordpiece" || recipe.kind == "unigram" || recipe.kind == "word";
  if (recipe.pre_tokenizer.empty() && trains) {
    recipe.pre_tokenizer = usual_cut(recipe.kind, recipe.style);
  }
  bool of_bytes = true;
  for (const auto& kind : token::cut_kinds()) {
    if (kind.name == recipe.pre_tokenizer) {
      of_bytes = kind.byte_level;
      recipe.normalizer = recipe.normalizer.empty() ? kind.normalizer : recipe.normalizer;
    }
  }
  if (recipe.special_tokens.empty() && recipe.kind != "extend" && recipe.kind != "prune") {
    recipe.special_tokens = usual_special_tokens(recipe.kind, recipe.style, of_bytes);
  }
  resolved["pre_tokenizer"] = recipe.pre_tokenizer;
  resolved["normalizer"] = recipe.normalizer;
  resolved["special_tokens"] = recipe.special_tokens;
  if (recipe.kind == "bpe" || recipe.kind == "wordpiece") {
    BpeTrainer{bpe_options(recipe)};
  } else if (recipe.kind == "unigram") {
    UnigramTrainer{unigram_options(recipe)};
  }
}

std::string tokenizer_notes() {
  std::string text = "pre_tokenizer:\n";
  for (const auto& kind : token::cut_kinds()) {
    text += "  " + std::string(kind.name) + ": " + kind.about + (kind.byte_level ? " (bytes" : " (characters") +
            "; normalizer " + kind.normalizer + ")\n";
  }
  text += "normalizer:\n";
  for (const auto& kind : token::normal_kinds()) {
    text += "  " + std::string(kind.name) + ": " + kind.about + "\n";
  }
  return text +
         "usual: bpe gpt2; bpe with style sentencepiece, unigram: metaspace; wordpiece: bert; word: "
         "whitespace\n"
         "out: tokenizer.json (Hugging Face), report.json, report.html; extend and prune: token_map.json as "
         "well\n";
}

TextCounter::TextCounter(const TokenizerRecipe& recipe, const TokenizerExtender* extender)
    : symbols_(recipe.user_symbols), extender_(extender) {
  if (extender == nullptr) {
    source_.emplace(recipe.normalizer, recipe.pre_tokenizer, recipe.kind == "unigram");
  }
}

void TextCounter::count(std::string_view text, token::PieceCounter& counter) const {
  if (!source_) {
    extender_->count(text, counter);
    return;
  }
  while (!symbols_.empty()) {
    size_t first = std::string_view::npos, length = 0;
    for (const std::string& symbol : symbols_) {
      const size_t at = text.find(symbol);
      if (at < first || (at == first && symbol.size() > length)) {
        first = at;
        length = symbol.size();
      }
    }
    if (first == std::string_view::npos) {
      break;
    }
    source_->count(text.substr(0, first), counter);
    text.remove_prefix(first + length);
  }
  source_->count(text, counter);
}

bool in_sample(const Document& document, double share, int64_t seed) {
  return share >= 1 ||
         static_cast<double>(xxh3_64(document.id, static_cast<uint64_t>(seed)) >> 11) * 0x1p-53 < share;
}

double sample_share(const TokenizerRecipe& recipe, uint64_t text_bytes) {
  const double all = static_cast<double>(text_bytes);
  return recipe.limit_bytes > 0 && recipe.sample * all > static_cast<double>(recipe.limit_bytes)
             ? static_cast<double>(recipe.limit_bytes) / all
             : recipe.sample;
}

}  // namespace athanor
