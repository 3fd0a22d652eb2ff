#include "athanor/stage/evaluate.h"

#include "athanor/stage/verb_list.h"

namespace athanor {

void EvaluateOptions::fields(Fields<EvaluateOptions>& f) {
  f.add("sequence_length", &EvaluateOptions::sequence_length, "tokens a window; 0: the model's own").range(0, 1 << 22);
  f.add("batch_size", &EvaluateOptions::batch_size, "windows at a time").range(1, 1e6).speed();
  f.add("precision", &EvaluateOptions::precision, "of the computation").choices({"fp32", "bf16", "fp16"});
  f.add("threads", &EvaluateOptions::threads, "0: one a core").range(0, 4096).speed();
}

namespace {

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
  verb.summary = "a model on texts it has not seen: loss and perplexity, or accuracy and F1 where they have labels";
  verb.roles = {{"model", ArtifactKind::kModel, true, "what to judge; its own tokenizer is used"},
                {"documents", ArtifactKind::kDocuments, true, "texts it has not seen"}};
  verb.output = ArtifactKind::kReport;
  verb.schema = schema_of<EvaluateOptions>();
  verb.torch = true;
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
