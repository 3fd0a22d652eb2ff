#include "athanor/classic/ngram_model.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/fasttext_line.h"
#include "athanor/classic/ngram_image.h"

namespace athanor {

namespace {

// What a sentence so far means for the next word: the longest known context, newest word first, with its backoffs.
struct Context {
  std::array<uint32_t, kMaxNgramOrder> words{};
  std::array<float, kMaxNgramOrder> backoffs{};  // [i]: of the context of i + 1 words
  int length = 0;
};

Context begin_of_sentence(const NgramImage& image) {
  Context context;
  if (image.order() > 1) {
    context.words[0] = kNgramBegin;
    context.backoffs[0] = image.unigram(kNgramBegin).log10_backoff;
    context.length = 1;
  }
  return context;
}

// log10 p(word | context) by the longest n-gram there is; moves the context on.
float advance(const NgramImage& image, uint32_t word, Context& context) {
  const int order = image.order();
  Context next;
  NgramTables::Weight weight = image.unigram(word);
  float p = weight.log10_p;
  next.backoffs[0] = weight.log10_backoff;
  int matched = 1;
  uint64_t hash = ngram_hash(word);
  for (int n = 2; n <= std::min(order, context.length + 1); ++n) {
    hash = extend_ngram_hash(hash, context.words[static_cast<size_t>(n - 2)]);
    if (!image.find(n, hash, weight)) {
      break;
    }
    p = weight.log10_p;
    next.backoffs[static_cast<size_t>(n - 1)] = weight.log10_backoff;
    matched = n;
  }
  for (int i = matched - 1; i < context.length; ++i) {
    p += context.backoffs[static_cast<size_t>(i)];
  }
  next.length = std::min(matched, order - 1);
  next.words[0] = word;
  for (int i = 1; i < next.length; ++i) {
    next.words[static_cast<size_t>(i)] = context.words[static_cast<size_t>(i - 1)];
  }
  context = next;
  return p;
}

}  // namespace

double NgramScore::perplexity() const {
  return num_tokens == 0 ? 1.0 : std::pow(10.0, -log10_p / static_cast<double>(num_tokens));
}

NgramScore& NgramScore::operator+=(const NgramScore& other) {
  log10_p += other.log10_p;
  num_tokens += other.num_tokens;
  num_unknown += other.num_unknown;
  return *this;
}

struct NgramModel::State {
  MappedFile file;
  std::vector<uint64_t> owned;  // of a model that was not mapped
  NgramImage image;
};

NgramModel::NgramModel(std::unique_ptr<const State> state) : state_(std::move(state)) {}
NgramModel::~NgramModel() = default;
NgramModel::NgramModel(NgramModel&&) noexcept = default;
NgramModel& NgramModel::operator=(NgramModel&&) noexcept = default;

NgramModel NgramModel::open(const fs::path& path) {
  auto state = std::make_unique<State>();
  state->file = MappedFile(path);
  state->image = NgramImage(state->file.bytes(), path.string());
  return NgramModel(std::move(state));
}

void NgramModel::write(const NgramTables& tables, const fs::path& path, const NgramFileOptions& options) {
  write_file_atomic(path, NgramImage::build(tables, options.quantise));
}

NgramModel NgramModel::from_image(std::string image, const std::string& where) {
  auto state = std::make_unique<State>();
  state->owned.resize((image.size() + 7) / 8);
  std::memcpy(state->owned.data(), image.data(), image.size());
  state->image = NgramImage({reinterpret_cast<const uint8_t*>(state->owned.data()), image.size()}, where);
  return NgramModel(std::move(state));
}

NgramModel NgramModel::from_tables(const NgramTables& tables) {
  return from_image(NgramImage::build(tables, false), "memory");
}

int NgramModel::order() const { return state_->image.order(); }
uint64_t NgramModel::vocabulary_size() const { return state_->image.header().num_words; }
uint64_t NgramModel::size(int n) const {
  return n == 1 ? vocabulary_size() : state_->image.header().tables[n - 2].count;
}

NgramScore NgramModel::score_sentence(std::string_view tokens) const {
  const NgramImage& image = state_->image;
  NgramScore score;
  Context context = begin_of_sentence(image);
  each_blank_token(tokens, [&](std::string_view token, uint32_t hash) {
    if (is_ngram_special(token)) {
      return true;
    }
    const uint32_t id = image.find_word(token, hash);
    score.num_unknown += id == kNgramUnknown ? 1 : 0;
    score.log10_p += static_cast<double>(advance(image, id, context));
    ++score.num_tokens;
    return true;
  });
  score.log10_p += static_cast<double>(advance(image, kNgramEnd, context));
  ++score.num_tokens;
  return score;
}

NgramScore NgramModel::score(std::string_view text, const TextTokens& tokens) const {
  NgramScore total;
  std::string scratch;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const NgramScore score = score_sentence(tokens.cut(line, scratch));
    if (score.num_tokens > 1) {  // more than "</s>"
      total += score;
    }
  }
  return total;
}

double NgramModel::log10_probability(const std::vector<std::string>& context, std::string_view word) const {
  const NgramImage& image = state_->image;
  Context state;
  for (size_t i = 0; i < context.size(); ++i) {
    if (i == 0 && context[i] == "<s>") {
      state = begin_of_sentence(image);
    } else {
      advance(image, image.find_word(context[i], fasttext_hash(context[i])), state);
    }
  }
  return static_cast<double>(advance(image, image.find_word(word, fasttext_hash(word)), state));
}

const char* PerplexityBuckets::name_of(double perplexity) const {
  return perplexity <= head ? "head" : perplexity <= tail ? "middle" : "tail";
}

PerplexityBuckets perplexity_buckets(std::vector<double> perplexities, double head, double tail) {
  std::erase_if(perplexities, [](double value) { return !std::isfinite(value); });
  if (perplexities.empty()) {
    return {};
  }
  std::sort(perplexities.begin(), perplexities.end());
  const auto rank = [&](double share) {
    const double at = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(perplexities.size()));
    return perplexities[static_cast<size_t>(std::max(1.0, at)) - 1];
  };
  return {rank(head), rank(tail)};
}

}  // namespace athanor
