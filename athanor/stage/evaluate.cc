#include "athanor/stage/evaluate.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/stage/idle_options.h"
#include "athanor/stage/predict_table.h"
#include "athanor/stage/torch_unit.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

void EvaluateOptions::fields(Fields<EvaluateOptions>& f) {
  f.add("sequence_length", &EvaluateOptions::sequence_length, "tokens a window; 0: the model's own").range(0, 1 << 22);
  f.add("batch_size", &EvaluateOptions::batch_size, "windows at a time").range(1, 1e6).speed();
  f.add("precision", &EvaluateOptions::precision, "of the computation").choices({"fp32", "bf16", "fp16"});
  f.add("label_field", &EvaluateOptions::label_field,
        "estimator: what is true, where it stands elsewhere than in training; for clusters and anomalies, classes to hold "
        "them against");
  f.add("slices", &EvaluateOptions::slices, "estimator: columns over whose values the scores are told apart");
  f.add("explain", &EvaluateOptions::explain,
        "estimator: any of importance (by shuffling a column), dependence (the mean answer over a column), shap (trees)");
  f.add("replicas", &EvaluateOptions::replicas, "estimator: of the bootstrap that gives the intervals; 0: none").range(0, 1e6);
  f.add("seed", &EvaluateOptions::seed, "estimator: of the bootstrap").range(0, 9e15);
  f.add("threads", &EvaluateOptions::threads, "0: one a core").range(0, 4096).speed();
}

namespace {

void check_evaluate_inputs(const nlohmann::json& options, const std::vector<std::string>& inputs) {
  const auto given = [&](const char* role) { return std::find(inputs.begin(), inputs.end(), role) != inputs.end(); };
  if (given("model") == given("estimator")) {
    throw Error(ErrorKind::kUsage, "evaluate judges a model or an estimator, one of them", "evaluate.from",
                "from: {model: STEP, documents: STEP} or from: {estimator: STEP, documents: STEP}");
  }
  if (given("estimator")) {
    refuse_idle(options, dump_options(EvaluateOptions{}, true), {"sequence_length", "batch_size", "precision"}, "evaluate",
                "a model", "an estimator");
  }
  const std::vector<std::string> known = {"importance", "dependence", "shap"};
  for (const auto& part : options.value("explain", std::vector<std::string>{})) {
    if (std::find(known.begin(), known.end(), part) == known.end()) {
      throw Error(ErrorKind::kUsage, "there is no explanation '" + part + "'", "evaluate.explain", did_you_mean(part, known));
    }
  }
}

nlohmann::json execute_evaluate(StageContext& context) {
  if (context.find("model") != nullptr) {
    return torch_entry("evaluate").execute(context);
  }
  const fs::path folder = context.input("estimator").path;
  if (!is_table_estimator(folder)) {
    throw Error(ErrorKind::kUsage, "evaluate judges estimators of tables; this one is of texts", folder.string(),
                "predict writes its columns; fit valid: STEP tells its accuracy");
  }
  return evaluate_table(context, load_options<EvaluateOptions>(context.options));
}

// The fields that generate and chat share.
template <class Options>
void add_sampling(Fields<Options>& f) {
  f.add("temperature", &Options::temperature, "0: always the likeliest token").range(0, 100);
  f.add("top_k", &Options::top_k, "only the k likeliest tokens; 0: all").range(0, 1e9);
  f.add("top_p", &Options::top_p, "only the likeliest tokens that together reach p").range(0, 1);
  f.add("max_tokens", &Options::max_tokens, "tokens an answer").range(1, 1e6);
  f.add("seed", &Options::seed, "of the sampling").range(0, 9e15);
  f.add("precision", &Options::precision, "of the computation").choices({"fp32", "bf16", "fp16"});
  f.add("threads", &Options::threads, "0: one a core").range(0, 4096).speed();
}

}  // namespace

void GenerateOptions::fields(Fields<GenerateOptions>& f) {
  f.add("prompts", &GenerateOptions::prompts, "what to continue; one answer each");
  add_sampling(f);
}

void ChatOptions::fields(Fields<ChatOptions>& f) {
  f.add("system", &ChatOptions::system, "the first message, for models with a chat template");
  add_sampling(f);
}

Verb evaluate_verb() {
  Verb verb;
  verb.name = "evaluate";
  verb.summary = "a model or an estimator on what it has not seen: loss and perplexity, or scores where there are labels";
  verb.revision = 5;
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "texts or rows it has not seen"},
                {"model", ArtifactKind::kModel, false, "what to judge; its own tokenizer is used"},
                {"estimator", ArtifactKind::kEstimator, false, "or what fit made of a table"},
                {"other", ArtifactKind::kEstimator, false, "a second estimator: do the two differ?"},
                {"train", ArtifactKind::kDocuments, false, "estimator: its training rows, to show those nearest to a mistake"}};
  verb.output = ArtifactKind::kReport;
  verb.schema = schema_of<EvaluateOptions>();
  verb.check_inputs = check_evaluate_inputs;
  verb.execute = execute_evaluate;
  verb.example = "athanor evaluate 'from={model: pretrain-1a2b3c4d, documents: split-5e6f7a8b/test}'";
  return verb;
}

Verb generate_verb() {
  Verb verb;
  verb.name = "generate";
  verb.summary = "sampled continuations of prompts";
  verb.roles = {{"model", ArtifactKind::kModel, true, "the model that writes"}};
  verb.output = ArtifactKind::kReport;
  verb.schema = schema_of<GenerateOptions>();
  verb.torch = true;
  verb.example = "athanor generate from=pretrain-1a2b3c4d prompts='Fellow citizens,' temperature=0.7";
  return verb;
}

}  // namespace athanor
