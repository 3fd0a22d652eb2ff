#include "athanor/stage/net_answers.h"

#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/metric/classification.h"
#include "athanor/stage/labelled_documents.h"
#include "athanor/stage/net_folder.h"
#include "athanor/train/objectives/classification.h"

namespace athanor {

namespace {

// Texts are judged by the megabyte; an image's text is only its name.
constexpr uint64_t kTextPart = uint64_t{1} << 20;
constexpr uint64_t kNamesPart = uint64_t{64} << 10;
constexpr uint64_t kMaxConfigBytes = uint64_t{256} << 20;

struct Answers {
  std::vector<std::string> labels;  // "" where the document is of no use, or the label is not sure enough
  std::vector<double> scores;       // the label's probability; a regression's answer
};

Answers answer(NetFolder& folder, Net& net, const std::vector<Document>& documents, const PredictOptions& options) {
  Answers answers{std::vector<std::string>(documents.size()), std::vector<double>(documents.size())};
  Examples examples;
  std::vector<size_t> places;
  std::string reason;
  for (size_t i = 0; i < documents.size(); ++i) {
    if (folder.inputs->add(documents[i], examples, reason)) {
      places.push_back(i);
    }
  }
  check_interrupt();
  const auto outputs = predict_net(net, examples, options.batch_size);
  for (size_t i = 0; i < places.size(); ++i) {
    const std::vector<double>& row = outputs[i];
    const auto best = static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    answers.scores[places[i]] = row[best];
    if (folder.config.task == "regression") {
      answers.labels[places[i]] = human_number(row[best], 6);
    } else if (row[best] >= options.threshold) {
      answers.labels[places[i]] = folder.config.labels[best];
    }
  }
  return answers;
}

std::string score_text(const nlohmann::json& score) {
  if (score.contains("accuracy")) {
    return "accuracy " + fixed_number(100 * score["accuracy"].get<double>(), 1) + " %, macro F1 " +
           fixed_number(score["macro_f1"].get<double>(), 4);
  }
  return "RMSE " + human_number(score["rmse"].get<double>()) + ", MAE " + human_number(score["mae"].get<double>());
}

nlohmann::json per_label(Net& net, const LabelledExamples& examples, int64_t batch_size) {
  ConfusionMatrix matrix(net.config().labels.size());
  const auto outputs = predict_net(net, examples.examples, batch_size);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto best = std::max_element(outputs[i].begin(), outputs[i].end()) - outputs[i].begin();
    matrix.add(static_cast<size_t>(examples.labels[i]), static_cast<size_t>(best));
  }
  return matrix.to_json(net.config().labels);
}

// HF's labels count here, even those without names.
std::unique_ptr<Net> answering_net(NetFolder& folder, const std::string& precision) {
  NetConfig& config = folder.config;
  if (config.new_head) {
    const ModelConfig model = from_hf_config(nlohmann::json::parse(read_file(folder.folder / "config.json", kMaxConfigBytes)),
                                             folder.folder.string());
    config.labels = model.labels;
    config.new_head = false;
  }
  std::unique_ptr<Net> net = load_net(folder.folder, config);
  net->set_precision(precision_of(precision));
  return net;
}

}  // namespace

nlohmann::json predict_with_net(StageContext& context, const PredictOptions& options) {
  NetFolder folder = NetFolder::open(context.input("model").path);
  const auto net = answering_net(folder, options.precision);
  const bool text = folder.config.shape.kind == InputKind::kText || folder.config.shape.kind == InputKind::kSeries;
  const DocumentJudge judge{folder.config.options.family,
                            {"label"},
                            {"score"},
                            text ? kTextPart : kNamesPart,
                            [&](const std::vector<Document>& documents) {
                              Answers answers = answer(folder, *net, documents, options);
                              return std::vector<ColumnValues>{std::move(answers.labels), std::move(answers.scores)};
                            }};
  return predict_documents(context, options, judge);
}

nlohmann::json evaluate_net(StageContext& context, const EvaluateOptions& options) {
  NetFolder folder = NetFolder::open(context.input("model").path);
  const auto net = answering_net(folder, options.precision);
  const Documents documents = Documents::open(context.input("documents").path);
  const LabelMeaning meaning{folder.config.task == "regression", folder.config.labels, folder.config.target_mean,
                             folder.config.target_deviation};
  RejectLog rejects(context.run.rejected());
  const LabelledExamples examples = read_examples(documents, read_labels(documents, folder.config.label_field), {},
                                                  *folder.inputs, meaning, rejects);
  rejects.finish();
  if (examples.examples.size() == 0) {
    throw Error(ErrorKind::kInput, "no document is of use for this model", context.input("documents").path.string(),
                "rejected/rejected.jsonl says why");
  }
  if (const std::string told = rejects.told(examples.examples.size()); !told.empty()) {
    context.warn("the score is of the other documents alone: " + told);
  }
  const nlohmann::json score = score_net(*net, examples, options.batch_size);
  nlohmann::json result{{"documents", examples.examples.size()}, {"rejected", rejects.counts()}, {"task", folder.config.task}};
  for (const auto& [name, value] : score.items()) {
    if (name != "num_samples") {
      result[name] = {{"value", value}, {"unit", name == "loss" ? "nats a document" : ""}};
    }
  }
  if (!meaning.regression) {
    result["labels"] = per_label(*net, examples, options.batch_size);
  }
  result["summary"] = score_text(score) + " on " + grouped_integer(static_cast<int64_t>(examples.examples.size())) + " documents";
  write_file_atomic(context.run.out_tmp() / "report.json", result.dump(2) + "\n");
  return result;
}

}  // namespace athanor
