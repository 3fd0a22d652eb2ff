// predict: estimator x documents -> documents with columns. Text is not copied.
#include <limits>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/classic/estimator.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr size_t kBatchDocuments = 4096;
constexpr size_t kBatchBytes = size_t{32} << 20;
constexpr size_t kChunk = 64;  // documents a task

struct PredictOptions {
  std::string model;
  std::string as = "predicted";
  double threshold = 0;
  int64_t threads = 0;
  static void fields(Fields<PredictOptions>& f) {
    f.add("model", &PredictOptions::model,
          "a model file instead of an estimator: fastText's .bin or .ftz, .arpa, .arpa.gz, .ngram");
    f.add("as", &PredictOptions::as, "columns are AS_label and AS_score, or AS_perplexity and AS_bucket");
    f.add("threshold", &PredictOptions::threshold, "a label that is less probable is left empty").range(0, 1);
    f.add("threads", &PredictOptions::threads, "0: one a core").range(0, 4096).speed();
  }
};

void prepare_predict(nlohmann::json& resolved) {
  const std::string as = resolved.value("as", "");
  if (as.empty() || as.find('.') != std::string::npos) {
    throw Error(ErrorKind::kUsage, "the prefix of columns is empty or holds a dot", "predict.as", "for example as: lang");
  }
}

nlohmann::json pin_model(const nlohmann::json& resolved, PinContext& pins) {
  const std::string model = resolved.value("model", "");
  if (model.empty()) {
    return nlohmann::json::array();
  }
  return nlohmann::json::array({{{"source", fs::path(model).filename().string()},
                                 {"bytes", fs::is_regular_file(model) ? fs::file_size(model) : 0},
                                 {"sha256", pins.digests.file_digest(model)}}});
}

class Predictor {
 public:
  Predictor(const Estimator& estimator, uint64_t num_rows, const PredictOptions& options)
      : estimator_(estimator), options_(options), pool_(static_cast<int>(options.threads)) {
    if (estimator.kind() == "fasttext") {
      label_.resize(num_rows);
      score_.resize(num_rows, 0.0);
    } else {
      perplexity_.resize(num_rows, 0.0);
    }
  }

  void add(uint64_t row, std::string&& text) {
    bytes_ += text.size();
    rows_.push_back(row);
    texts_.push_back(std::move(text));
    if (texts_.size() >= kBatchDocuments || bytes_ >= kBatchBytes) {
      flush();
    }
  }

  void flush() {
    const size_t chunks = (texts_.size() + kChunk - 1) / kChunk;
    pool_.parallel_for(chunks, [&](size_t chunk) {
      const size_t begin = chunk * kChunk;
      const size_t end = std::min(texts_.size(), begin + kChunk);
      const std::vector<std::string_view> views(texts_.begin() + static_cast<ptrdiff_t>(begin),
                                                texts_.begin() + static_cast<ptrdiff_t>(end));
      EstimatorColumns found;
      estimator_.predict(views, found);
      for (size_t i = begin; i < end; ++i) {
        take(rows_[i], i - begin, found);
      }
    });
    texts_.clear();
    rows_.clear();
    bytes_ = 0;
  }

  // After the last flush; kept: which rows were added.
  std::vector<Column> columns(const std::vector<bool>& kept, nlohmann::json& result) {
    std::vector<Column> list;
    if (!label_.empty() || perplexity_.empty()) {
      std::map<std::string, uint64_t> counts;
      for (size_t row = 0; row < label_.size(); ++row) {
        if (kept[row]) {
          ++counts[label_[row]];
        }
      }
      result["labels"] = counts;
      list.push_back({options_.as + "_label", std::move(label_)});
      list.push_back({options_.as + "_score", std::move(score_)});
      return list;
    }
    std::vector<double> of_kept;
    for (size_t row = 0; row < perplexity_.size(); ++row) {
      if (kept[row]) {
        of_kept.push_back(perplexity_[row]);
      }
    }
    const PerplexityBuckets buckets = perplexity_buckets(of_kept);
    std::vector<std::string> names(perplexity_.size());
    for (size_t row = 0; row < names.size(); ++row) {
      names[row] = kept[row] ? buckets.name_of(perplexity_[row]) : "";
    }
    result["head_perplexity"] = buckets.head;
    result["tail_perplexity"] = buckets.tail;
    list.push_back({options_.as + "_perplexity", std::move(perplexity_)});
    list.push_back({options_.as + "_bucket", std::move(names)});
    return list;
  }

 private:
  void take(uint64_t row, size_t i, EstimatorColumns& found) {
    if (!found.perplexity.empty()) {
      // A finite number, so that every reader of Parquet can compute with it.
      perplexity_[row] = std::min(found.perplexity[i], std::numeric_limits<double>::max());
      return;
    }
    score_[row] = found.score[i];
    if (found.score[i] >= options_.threshold) {
      label_[row] = std::move(found.label[i]);
    }
  }

  const Estimator& estimator_;
  const PredictOptions& options_;
  ThreadPool pool_;
  std::vector<std::string> texts_;
  std::vector<uint64_t> rows_;
  size_t bytes_ = 0;
  std::vector<std::string> label_;
  std::vector<double> score_;
  std::vector<double> perplexity_;
};

nlohmann::json execute_predict(StageContext& context) {
  const auto options = load_options<PredictOptions>(context.options);
  const StageInput* given = context.find("estimator");
  if ((given == nullptr) == options.model.empty()) {
    throw Error(ErrorKind::kUsage, "predict wants an estimator or a model file, one of them", "predict",
                "from: {documents: STEP, estimator: STEP}, or model: PATH");
  }
  const auto estimator = open_estimator(given != nullptr ? given->path : fs::path(options.model));
  const Documents input = Documents::open(context.input("documents").path);
  Predictor predictor(*estimator, input.num_rows(), options);
  uint64_t done = 0;
  uint64_t bytes = 0;
  input.for_each([&](uint64_t row, Document&& document) {
    check_interrupt();
    bytes += document.text.size();
    predictor.add(row, std::move(document.text));
    ++done;
    context.progress.update(static_cast<double>(done) / static_cast<double>(input.num_documents()),
                            human_bytes(static_cast<double>(bytes)));
  });
  predictor.flush();
  nlohmann::json result{{"documents", done}, {"text_bytes", bytes}, {"kind", estimator->kind()}};
  const std::vector<Column> columns = predictor.columns(input.keep(), result);
  write_filtered(context.run.out_tmp(), input, {}, columns);
  result["summary"] = grouped_integer(static_cast<int64_t>(done)) + " documents got " + columns[0].name + " and " +
                      columns[1].name;
  return result;
}

}  // namespace

Verb predict_verb() {
  Verb verb;
  verb.name = "predict";
  verb.summary = "write an estimator's labels, scores or perplexities as columns";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to judge"},
                {"estimator", ArtifactKind::kEstimator, false, "what fit made"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<PredictOptions>();
  verb.prepare = prepare_predict;
  verb.pins = pin_model;
  verb.execute = execute_predict;
  verb.example = "athanor predict from=collect-1a2b3c4d model=lid.176.ftz as=lang";
  return verb;
}

}  // namespace athanor
