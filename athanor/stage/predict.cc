// predict: estimator or language model x documents -> documents with columns. Text is not copied.
#include "athanor/stage/predict.h"

#include <limits>
#include <map>

#include "athanor/base/format.h"
#include "athanor/base/thread_pool.h"
#include "athanor/classic/estimator.h"
#include "athanor/data/documents/documents.h"
#include "athanor/stage/document_parts.h"
#include "athanor/stage/predict_table.h"
#include "athanor/stage/torch_unit.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

void PredictOptions::fields(Fields<PredictOptions>& f) {
  f.add("model", &PredictOptions::model,
        "a model file instead of an estimator: fastText's .bin or .ftz, .arpa, .arpa.gz, .ngram");
  f.add("as", &PredictOptions::as,
        "columns are AS_label and AS_score, or AS_perplexity and AS_bucket (and AS_bits_per_byte of a language model)");
  f.add("threshold", &PredictOptions::threshold, "a label that is less probable is left empty").range(0, 1);
  f.add("probabilities", &PredictOptions::probabilities, "estimator of tables: a column AS_p_LABEL a class too; AS_score_LABEL where the model has no probabilities");
  f.add("explain", &PredictOptions::explain, "estimator of trees: a column AS_why with what added most to each answer");
  f.add("sequence_length", &PredictOptions::sequence_length,
        "language model: tokens a window of a document; 0: the model's own").range(0, 1 << 22);
  f.add("batch_size", &PredictOptions::batch_size, "language model: windows at a time").range(1, 1e6);
  f.add("precision", &PredictOptions::precision, "language model: of the computation").choices({"fp32", "bf16", "fp16"});
  f.add("threads", &PredictOptions::threads, "0: one a core").range(0, 4096).speed();
}

namespace {

constexpr size_t kChunk = 64;  // documents a task

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

std::vector<ColumnInfo> columns_of(const DocumentJudge& judge, const std::string& as) {
  std::vector<ColumnInfo> columns;
  for (const auto& name : judge.strings) {
    columns.push_back({as + "_" + name, ColumnType::kString});
  }
  for (const auto& name : judge.numbers) {
    columns.push_back({as + "_" + name, ColumnType::kFloat64});
  }
  return columns;
}

// Where "perplexity" stands among the columns, or -1.
int perplexity_column(const DocumentJudge& judge) {
  for (size_t i = 0; i < judge.numbers.size(); ++i) {
    if (judge.numbers[i] == "perplexity") {
      return static_cast<int>(judge.strings.size() + i);
    }
  }
  return -1;
}

// The first text column's values and how often each occurs.
void write_labels(const ColumnParts& parts, nlohmann::json& result) {
  std::map<std::string, uint64_t> counts;
  parts.write([&](size_t, std::vector<ColumnValues>& values) {
    for (const auto& label : std::get<std::vector<std::string>>(values[0])) {
      ++counts[label];
    }
  });
  result["labels"] = counts;
}

// The buckets need all perplexities, so the values are read twice.
void write_buckets(const ColumnParts& parts, size_t column, const std::string& as, nlohmann::json& result) {
  std::vector<double> all;
  parts.for_each_shard([&](size_t, std::vector<ColumnValues>& values) {
    const auto& some = std::get<std::vector<double>>(values[column]);
    all.insert(all.end(), some.begin(), some.end());
  });
  const PerplexityBuckets buckets = perplexity_buckets(all);
  result["head_perplexity"] = buckets.head;
  result["tail_perplexity"] = buckets.tail;
  parts.write(
      [&](size_t, std::vector<ColumnValues>& values) {
        std::vector<std::string> names;
        for (const double value : std::get<std::vector<double>>(values[column])) {
          names.push_back(buckets.name_of(value));
        }
        values.emplace_back(std::move(names));
      },
      {{as + "_bucket", ColumnType::kString}});
}

ColumnParts::Judge estimator_judge(const Estimator& estimator, ThreadPool& pool, double threshold) {
  return [&estimator, &pool, threshold](const std::vector<Document>& documents) {
    const bool classifies = estimator.kind() == "fasttext";
    std::vector<std::string> labels(classifies ? documents.size() : 0);
    std::vector<double> numbers(documents.size());
    pool.parallel_for((documents.size() + kChunk - 1) / kChunk, [&](size_t chunk) {
      const size_t begin = chunk * kChunk;
      const size_t end = std::min(documents.size(), begin + kChunk);
      std::vector<std::string_view> views;
      for (size_t i = begin; i < end; ++i) {
        views.push_back(documents[i].text);
      }
      EstimatorColumns found;
      estimator.predict(views, found);
      for (size_t i = begin; i < end; ++i) {
        if (!classifies) {
          // A finite number, so that every reader of Parquet can compute with it.
          numbers[i] = std::min(found.perplexity[i - begin], std::numeric_limits<double>::max());
          continue;
        }
        numbers[i] = found.score[i - begin];
        if (numbers[i] >= threshold) {
          labels[i] = std::move(found.label[i - begin]);
        }
      }
    });
    std::vector<ColumnValues> columns;
    if (classifies) {
      columns.emplace_back(std::move(labels));
    }
    columns.emplace_back(std::move(numbers));
    return columns;
  };
}

nlohmann::json execute_predict(StageContext& context) {
  const auto options = load_options<PredictOptions>(context.options);
  const StageInput* estimator_input = context.find("estimator");
  const bool by_model = context.find("model") != nullptr;
  if (int{estimator_input != nullptr} + int{by_model} + int{!options.model.empty()} != 1) {
    throw Error(ErrorKind::kUsage, "predict wants an estimator, a language model or a model file, one of them",
                "predict", "from: {documents: STEP, estimator: STEP}, {documents: STEP, model: STEP}, or model: PATH");
  }
  if (by_model) {
    return torch_entry("predict").execute(context);
  }
  if (estimator_input != nullptr && is_table_estimator(estimator_input->path)) {
    return predict_table(context, options, estimator_input->path);
  }
  const auto estimator = open_estimator(estimator_input != nullptr ? estimator_input->path : fs::path(options.model));
  ThreadPool pool(static_cast<int>(options.threads));
  const bool classifies = estimator->kind() == "fasttext";
  const DocumentJudge judge{estimator->kind(),
                            classifies ? std::vector<std::string>{"label"} : std::vector<std::string>{},
                            {classifies ? "score" : "perplexity"},
                            kPartBytes,
                            estimator_judge(*estimator, pool, options.threshold)};
  return predict_documents(context, options, judge);
}

}  // namespace

nlohmann::json predict_documents(StageContext& context, const PredictOptions& options, const DocumentJudge& judge) {
  const Documents documents = Documents::open(context.input("documents").path);
  const std::vector<ColumnInfo> columns = columns_of(judge, options.as);
  ColumnParts parts(context, documents, columns, judge.part_bytes);
  if (!parts.fill(judge.judge)) {
    return nlohmann::json::object();
  }
  nlohmann::json result{
      {"documents", documents.num_documents()}, {"text_bytes", documents.text_bytes()}, {"kind", judge.kind}};
  const int perplexity = perplexity_column(judge);
  if (perplexity >= 0) {
    write_buckets(parts, static_cast<size_t>(perplexity), options.as, result);
  } else {
    write_labels(parts, result);
  }
  result["summary"] = grouped_integer(static_cast<int64_t>(documents.num_documents())) + " documents got " +
                      columns[0].name + " and " + (columns.size() > 1 ? columns[1].name : options.as + "_bucket");
  return result;
}

Verb predict_verb() {
  Verb verb;
  verb.name = "predict";
  verb.summary = "write an estimator's labels, numbers, clusters, scores or perplexities as columns, or a model's";
  verb.revision = 2;
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to judge"},
                {"estimator", ArtifactKind::kEstimator, false, "what fit made"},
                {"model", ArtifactKind::kModel, false, "a language model: perplexity and bits per byte of each text; or what finetune made: labels"}};
  verb.output = ArtifactKind::kDocuments;
  verb.schema = schema_of<PredictOptions>();
  verb.prepare = prepare_predict;
  verb.pins = pin_model;
  verb.resumable = true;
  verb.shards = true;
  verb.execute = execute_predict;
  verb.example = "athanor predict from=collect-1a2b3c4d model=lid.176.ftz as=lang";
  return verb;
}

}  // namespace athanor
