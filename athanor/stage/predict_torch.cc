// predict with a language model: perplexity and bits per byte of every text.
#include <ATen/Parallel.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/eval/document_scores.h"
#include "athanor/model/language_model.h"
#include "athanor/model/nets/net_config.h"
#include "athanor/stage/net_answers.h"
#include "athanor/stage/predict.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

namespace {

constexpr uint64_t kTokensAPart = 16384;  // a second or two of a small model on two cores
constexpr uint64_t kBytesAToken = 4;

ColumnParts::Judge judge_with(LanguageModel& model, const Tokenizer& tokenizer, ThreadPool& pool,
                              const DocumentScoreOptions& settings) {
  return [&, settings](const std::vector<Document>& documents) {
    std::vector<std::string_view> texts;
    for (const Document& document : documents) {
      texts.push_back(document.text);
    }
    std::vector<std::vector<int32_t>> ids;
    encode_batch(tokenizer, texts, pool, ids);
    check_interrupt();
    const std::vector<DocumentScore> scores = score_documents(model, ids, tokenizer.end_of_text(), settings);
    std::vector<double> perplexity;
    std::vector<double> bits_per_byte;
    for (size_t i = 0; i < scores.size(); ++i) {
      const double tokens = static_cast<double>(std::max<uint64_t>(1, scores[i].num_tokens));
      const double bytes = static_cast<double>(std::max<size_t>(1, texts[i].size()));
      perplexity.push_back(std::min(std::exp(scores[i].nll / tokens), std::numeric_limits<double>::max()));
      bits_per_byte.push_back(scores[i].nll / std::numbers::ln2 / bytes);
    }
    return std::vector<ColumnValues>{std::move(perplexity), std::move(bits_per_byte)};
  };
}

}  // namespace

nlohmann::json execute_predict_model(StageContext& context) {
  const auto options = load_options<PredictOptions>(context.options);
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  const fs::path folder = context.input("model").path;
  if (is_net_folder(folder)) {
    return predict_with_net(context, options);
  }
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const auto model = load_model(folder);
  model->set_precision(precision_of(options.precision));
  DocumentScoreOptions settings;
  settings.sequence_length = options.sequence_length > 0 ? options.sequence_length : model->config().max_positions;
  settings.batch_size = options.batch_size;
  ThreadPool pool(static_cast<int>(options.threads));
  const DocumentJudge judge{"language_model",
                            {},
                            {"perplexity", "bits_per_byte"},
                            kTokensAPart * kBytesAToken,
                            judge_with(*model, tokenizer, pool, settings)};
  return predict_documents(context, options, judge);
}

}  // namespace athanor
