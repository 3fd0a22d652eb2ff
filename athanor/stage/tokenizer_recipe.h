// Options of the verb tokenizer, and what its parts share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "athanor/run/verb.h"
#include "athanor/stage/document_parts.h"
#include "athanor/token/train/adapt.h"
#include "athanor/token/train/piece_source.h"
#include "athanor/token/train/trainer.h"
#include "athanor/token/train/unigram_trainer.h"

namespace athanor {

struct TokenizerRecipe {
  std::string kind = "bpe";
  std::string style = "hf";
  int64_t vocab_size = 8192;
  int64_t min_frequency = 2;
  std::vector<std::string> special_tokens;
  std::vector<std::string> user_symbols;
  std::string pre_tokenizer;
  std::string normalizer;
  bool byte_fallback = false;
  int64_t limit_alphabet = 0;
  std::string initial_alphabet;
  int64_t max_token_length = 0;
  std::string continuing_prefix;
  std::string end_of_word_suffix;
  double character_coverage = 0.9995;
  std::string required_chars;
  int64_t max_piece_length = 16;
  bool split_by_script = true;
  bool split_by_number = true;
  bool split_digits = false;
  int64_t seed_size = 1000000;
  double shrinking_factor = 0.75;
  int64_t sub_iterations = 2;
  int64_t add_tokens = 1000;
  int64_t keep_count = 1;
  double sample = 1;
  int64_t limit_bytes = 0;
  int64_t seed = 1;
  std::vector<std::string> compare;
  int64_t report_bytes = int64_t{16} << 20;
  int64_t memory_mb = 1024;
  int64_t threads = 0;
  static void fields(Fields<TokenizerRecipe>& f);
};

// Writes out what the kind decides (special tokens, cut, normalizer) and checks the options against each other.
void prepare_tokenizer(nlohmann::json& resolved);
std::string tokenizer_notes();

BpeTrainOptions bpe_options(const TokenizerRecipe& recipe);
UnigramTrainOptions unigram_options(const TokenizerRecipe& recipe);

// How the texts are counted: by the recipe's cut, between its user symbols; or by that of the tokenizer that is
// extended.
class TextCounter {
 public:
  TextCounter(const TokenizerRecipe& recipe, const TokenizerExtender* extender);
  void count(std::string_view text, token::PieceCounter& counter) const;

 private:
  std::optional<token::PieceSource> source_;
  std::vector<std::string> symbols_;
  const TokenizerExtender* extender_;
};

// Whether a document is of the sample: by its id and the seed alone.
bool in_sample(const Document& document, double share, int64_t seed);
// recipe.sample, lowered so that about limit_bytes of all text remain.
double sample_share(const TokenizerRecipe& recipe, uint64_t text_bytes);

// Counts the documents part by part into the run's state (a kill loses the part in flight) and gives the path
// of the merged run; empty when this process does only a share of the parts.
fs::path count_documents(StageContext& context, const TokenizerRecipe& recipe, const TextCounter& counter,
                         const Documents& documents, ThreadPool& pool);

nlohmann::json plan_tokenizer(const nlohmann::json& options, const std::vector<StageInput>& inputs);

// What is known of the training for the report: "trained" of out/report.json.
struct TokenizerReport {
  const TokenizerRecipe& recipe;
  const Documents& texts;  // held out when there are such
  bool held_out;
  nlohmann::json trained;
  std::vector<std::pair<std::string, fs::path>> compared;  // name and place of other tokenizers
};
// Writes report.json and report.html into dir; gives the numbers.
nlohmann::json write_tokenizer_report(const TokenizerReport& about, const Tokenizer& tokenizer,
                                      const fs::path& dir, ThreadPool& pool);

}  // namespace athanor
