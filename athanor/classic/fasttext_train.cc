#include "athanor/classic/fasttext_train.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/rng.h"
#include "athanor/classic/fasttext_corpus.h"
#include "athanor/classic/fasttext_quantise.h"
#include "athanor/classic/fasttext_step.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxMatrixBytes = uint64_t{64} << 30;
constexpr int32_t kPartDim = 2;  // floats a byte, as fastText's dsub
constexpr size_t kReportEvery = 1024;

FastTextLoss loss_of(const std::string& name) {
  return name == "hs"    ? FastTextLoss::kHierarchicalSoftmax
         : name == "ova" ? FastTextLoss::kOneVsAll
                         : FastTextLoss::kSoftmax;
}

FastTextArgs args_of(const FastTextTrainOptions& options) {
  FastTextArgs args;
  args.dim = static_cast<int32_t>(options.dim);
  args.epoch = static_cast<int32_t>(options.epochs);
  args.min_count = static_cast<int32_t>(options.min_count);
  args.word_ngrams = static_cast<int32_t>(options.word_ngrams);
  args.loss = static_cast<int32_t>(loss_of(options.loss));
  args.minn = static_cast<int32_t>(options.minn);
  args.maxn = static_cast<int32_t>(options.maxn);
  args.bucket = options.maxn > 0 || options.word_ngrams > 1 ? static_cast<int32_t>(options.bucket) : 0;
  return args;
}

}  // namespace

void FastTextTrainOptions::fields(Fields<FastTextTrainOptions>& f) {
  using O = FastTextTrainOptions;
  f.add("loss", &O::loss, "softmax; hs: a tree, for hundreds of labels; ova: several labels a document")
      .choices({"softmax", "hs", "ova"});
  f.add("dim", &O::dim, "floats a row").range(1, 4096);
  f.add("epochs", &O::epochs, "times every document is seen").range(1, 10000);
  f.add("learning_rate", &O::learning_rate, "at the start; falls to 0 in a line").range(0, 10);
  f.add("word_ngrams", &O::word_ngrams, "longest run of tokens that is a feature").range(1, 8);
  f.add("minn", &O::minn, "shortest character n-gram").range(0, 16);
  f.add("maxn", &O::maxn, "longest character n-gram; 0: none").range(0, 16);
  f.add("bucket", &O::bucket, "rows that n-grams are hashed to").range(1, 1e9);
  f.add("min_count", &O::min_count, "tokens seen less often have no row of their own").range(1, 1e12);
  f.add("min_label_count", &O::min_label_count, "labels seen less often are left out").range(1, 1e12);
  f.add("quantise", &O::quantise, "write a product-quantised model (.ftz), about 1/8 of the size");
  f.add("cutoff", &O::cutoff, "with quantise: rows that stay, and are trained again; 0: all").range(0, 2e9);
  f.add("seed", &O::seed, "of the first weights and the order of documents").range(0, 9e15);
}

struct FastTextTrainer::State {
  explicit State(const FastTextTrainOptions& given) : options(given) {}

  // Dictionary and first weights; label_index[corpus label] is its place in the model or -1.
  void begin() {
    model.args = args_of(options);
    word_row.assign(corpus.words().size(), -1);
    for (const int32_t word : corpus.words().by_count(options.min_count)) {
      const auto i = static_cast<size_t>(word);
      word_row[i] = model.num_words++;
      model.entries.push_back({corpus.words().text(i), corpus.words().count(i), false});
    }
    label_index.assign(corpus.label_names().size(), -1);
    for (const int32_t label : corpus.label_names().by_count(options.min_label_count)) {
      const auto i = static_cast<size_t>(label);
      label_index[i] = model.num_labels++;
      model.entries.push_back(
          {std::string(kFastTextLabelPrefix) + corpus.label_names().text(i), corpus.label_names().count(i), true});
    }
    if (model.num_labels == 0 || model.num_words == 0) {
      throw Error(ErrorKind::kInput, model.num_labels == 0 ? "there are no labels to learn" : "there are no tokens to learn",
                  "", "look at the label field, min_label_count and min_count");
    }
    model.num_tokens = static_cast<int64_t>(corpus.num_tokens());
    const int64_t rows = int64_t{model.num_words} + model.args.bucket;
    if (rows >= (int64_t{1} << 31) || static_cast<uint64_t>(rows) * 4 * static_cast<uint64_t>(options.dim) > kMaxMatrixBytes) {
      throw Error(ErrorKind::kResource, "the input matrix would take more than 64 GiB", "", "lower bucket or dim");
    }
    model.input.rows = rows;
    model.input.columns = model.output.columns = options.dim;
    model.output.rows = model.num_labels;
    model.output.values.assign(static_cast<size_t>(model.num_labels * options.dim), 0.0f);
    model.input.values.resize(static_cast<size_t>(rows * options.dim));
    const auto seed = static_cast<uint64_t>(options.seed);
    for (size_t i = 0; i < model.input.values.size(); ++i) {
      model.input.values[i] = static_cast<float>((2 * to_unit(random_at(seed, 0, i)) - 1) / static_cast<double>(options.dim));
    }
  }

  // Every epoch over the documents; `round` 1 is the training after pruning.
  template <class BucketRow>
  void descend(uint64_t round, BucketRow bucket_row, const std::function<void(double)>& report) {
    const FastTextNgrams ngrams(model.args.minn, model.args.maxn, model.args.word_ngrams, model.args.bucket);
    const FastTextRows rows_of(corpus.words(), word_row, ngrams, bucket_row);
    FastTextStep step(model, static_cast<FastTextLoss>(model.args.loss));
    const size_t count = corpus.num_documents();
    const double total = static_cast<double>(corpus.num_tokens()) * static_cast<double>(options.epochs);
    double tokens_done = 0;
    std::vector<int32_t> rows;
    std::vector<int32_t> hashes;
    std::vector<int32_t> targets;
    for (uint64_t epoch = 0; epoch < static_cast<uint64_t>(options.epochs); ++epoch) {
      const uint64_t key = random_at(static_cast<uint64_t>(options.seed), 1 + round, epoch);
      for (size_t i = 0; i < count; ++i) {
        const size_t document = permute(i, count, key);
        rows.clear();
        hashes.clear();
        for (const int32_t token : corpus.tokens(document)) {
          const auto part = rows_of.of(token);
          rows.insert(rows.end(), part.begin(), part.end());
          hashes.push_back(static_cast<int32_t>(corpus.words().hash(static_cast<size_t>(token))));
        }
        ngrams.each_word_ngram(hashes, [&](uint32_t bucket) {
          if (const int32_t row = bucket_row(bucket); row >= 0) {
            rows.push_back(row);
          }
        });
        targets.clear();
        for (const int32_t label : corpus.labels(document)) {
          if (const int32_t index = label_index[static_cast<size_t>(label)]; index >= 0) {
            targets.push_back(index);
          }
        }
        tokens_done += static_cast<double>(corpus.tokens(document).size() + corpus.labels(document).size());
        if (!rows.empty() && !targets.empty()) {
          const int32_t picked = targets[targets.size() == 1 ? 0 : random_at(key, 1, document) % targets.size()];
          const auto rate = static_cast<float>(options.learning_rate * (1 - std::min(1.0, tokens_done / total)));
          loss_ += loss_rate * (step(rows, targets, picked, rate) - loss_);
        }
        if (i % kReportEvery == 0) {
          check_interrupt();
          report(tokens_done / total);
        }
      }
    }
  }

  static constexpr double loss_rate = 1e-3;  // of the moving mean
  FastTextTrainOptions options;
  FastTextCorpus corpus;
  FastTextModel model;
  std::vector<int32_t> word_row;
  std::vector<int32_t> label_index;
  double loss_ = 0;
};

FastTextTrainer::FastTextTrainer(const FastTextTrainOptions& options) : state_(std::make_unique<State>(options)) {}
FastTextTrainer::~FastTextTrainer() = default;

void FastTextTrainer::add(std::span<const std::string_view> labels, std::string_view text) {
  state_->corpus.add(labels, text);
}

uint64_t FastTextTrainer::num_documents() const { return state_->corpus.num_documents(); }
uint64_t FastTextTrainer::num_tokens() const { return state_->corpus.num_tokens(); }

FastTextModel FastTextTrainer::train(ThreadPool& pool, const std::function<void(double, double)>& progress) {
  State& s = *state_;
  s.begin();
  const bool prunes = s.options.quantise && s.options.cutoff > 0 && s.options.cutoff < s.model.input.rows;
  const double share = prunes ? 0.5 : 1.0;
  const int32_t num_words = s.model.num_words;
  s.descend(0, [&](uint32_t bucket) { return num_words + static_cast<int32_t>(bucket); },
            [&](double done) { progress(share * done, s.loss_); });
  if (prunes) {
    s.model = prune_rows(s.model, s.options.cutoff);
    std::unordered_map<std::string_view, int32_t> kept;
    for (int32_t i = 0; i < s.model.num_words; ++i) {
      kept.emplace(s.model.entries[static_cast<size_t>(i)].word, i);
    }
    for (size_t i = 0; i < s.word_row.size(); ++i) {
      const auto found = kept.find(s.corpus.words().text(i));
      s.word_row[i] = found == kept.end() ? -1 : found->second;
    }
    std::vector<int32_t> row_of(static_cast<size_t>(s.model.args.bucket), -1);
    for (const auto& [bucket, row] : s.model.pruned) {
      row_of[static_cast<size_t>(bucket)] = s.model.num_words + row;
    }
    s.descend(1, [&](uint32_t bucket) { return row_of[bucket]; },
              [&](double done) { progress(share + share * done, s.loss_); });
  }
  if (s.options.quantise) {
    s.model = quantise(std::move(s.model), kPartDim, static_cast<uint64_t>(s.options.seed), pool);
  }
  progress(1, s.loss_);
  return std::move(s.model);
}

}  // namespace athanor
