#include "athanor/stage/finetune.h"

#include "athanor/base/error.h"
#include "athanor/base/gpu.h"
#include "athanor/stage/train_fields.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

void FinetuneOptions::fields(Fields<FinetuneOptions>& f) {
  f.add("model", &FinetuneOptions::model, "the network, where none is given");
  f.add("inputs", &FinetuneOptions::inputs, "how documents become what it reads");
  f.add("reads", &FinetuneOptions::reads, "what of a document it reads; empty: as its family does")
      .choices({"", "text", "table", "series", "image"});
  f.add("task", &FinetuneOptions::task, "labels to tell apart, or a number to say").choices({"classification", "regression"});
  f.add("pair_field", &FinetuneOptions::pair_field,
        "bert, roberta: the key of meta that holds a second text, read together with the first; empty: one text alone");
  f.add("label_field", &FinetuneOptions::label_field,
        "a column, a key of meta, or folder: the folder that the document's file lies in");
  f.add("label_key", &FinetuneOptions::label_key, "of the role labels: the column or key of meta that says whose label it is");
  f.add("label_pattern", &FinetuneOptions::label_pattern,
        "with label_key: a regular expression whose first group, in a document's source, is its key; as it stands: the name "
        "of the file without its extension");
  f.add("hold_out", &FinetuneOptions::hold_out, "without valid documents: the share of each label's that validates")
      .range(0, 0.9);
  f.add("epochs", &FinetuneOptions::epochs, "how often each document is seen, where steps is 0").range(0.001, 1e6);
  f.add("steps", &FinetuneOptions::steps, "optimiser steps of the whole run, whatever epochs says; 0: as epochs says").range(0, 1e12);
  f.add("eval_every", &FinetuneOptions::eval_every, "steps between validations; 0: an epoch").range(0, 1e12);
  f.add("class_weights", &FinetuneOptions::class_weights, "balanced: rare labels weigh more, by one over their number")
      .choices({"none", "balanced"});
  f.add("flip", &FinetuneOptions::flip, "images: mirror half of them while training");
  f.add("crop", &FinetuneOptions::crop, "images: shift them by up to so many pixels, fewer than they have, while training").range(0, 64);
  f.add("max_rejected", &FinetuneOptions::max_rejected, "share of documents that may be of no use before the run stops")
      .range(0, 1);
  f.add("recompute", &FinetuneOptions::recompute,
        "bert, roberta: what the backward pass computes again instead of keeping: less memory, more work, the same bits")
      .choices({"none", "mlp", "block"})
      .speed();
  f.add("keep_state", &FinetuneOptions::keep_state, "leave the last full checkpoint in out/checkpoint");
  add_train_fields(f);
}

InputKind input_kind(const FinetuneOptions& options) {
  const NetFamily& family = net_family(options.model.family);
  if (options.reads.empty()) {
    return family.reads.front();
  }
  for (const InputKind kind : {InputKind::kText, InputKind::kTable, InputKind::kSeries, InputKind::kImage}) {
    if (options.reads == name_of(kind)) {
      check_reads(family, kind);
      return kind;
    }
  }
  return family.reads.front();
}

namespace {

// Writes the family's defaults into the recipe, so that recipe.yaml says what was trained.
void prepare_finetune(nlohmann::json& resolved) {
  auto options = load_options<FinetuneOptions>(resolved);
  gpu_number(options.device);  // a word that names no device is refused here, even when the step is done
  if (options.micro_batch > options.batch_size) {
    throw Error(ErrorKind::kUsage, "micro_batch " + std::to_string(options.micro_batch) + " is larger than batch_size " +
                                       std::to_string(options.batch_size));
  }
  if (options.model.family.empty()) {  // then a model must be given
    return;
  }
  check_net_options(resolved, options.model.family, input_kind(options));
  options.model = with_family_defaults(options.model);
  resolved["model"] = dump_options(options.model, true);
  resolved["reads"] = name_of(input_kind(options));
  if (options.task == "regression" && options.label_smoothing > 0) {
    throw Error(ErrorKind::kUsage, "a regression has no classes", "label_smoothing", "leave label_smoothing out");
  }
  if (options.task == "regression" && options.class_weights != "none") {
    throw Error(ErrorKind::kUsage, "a regression has no classes", "class_weights", "leave class_weights out");
  }
}

std::string finetune_notes() {
  std::string text = "families of model.family:\n";
  for (const NetFamily& family : net_families()) {
    std::string reads;
    for (const InputKind kind : family.reads) {
      reads += (reads.empty() ? "" : ", ") + std::string(name_of(kind));
    }
    text += "  " + std::string(family.name) + std::string(10 - std::string(family.name).size(), ' ') + family.what +
            "; reads " + reads + "\n";
  }
  return text;
}

}  // namespace

Verb finetune_verb() {
  Verb verb;
  verb.name = "finetune";
  verb.summary = "train a network on labelled documents, from nothing or from a model";
  verb.roles = {{"train", ArtifactKind::kDocuments, true, "what to learn from"},
                {"valid", ArtifactKind::kDocuments, false, "what to validate on; else hold_out"},
                {"labels", ArtifactKind::kDocuments, false, "labels that stand in a table of their own, with label_key"},
                {"tokenizer", ArtifactKind::kTokenizer, false, "for networks that read text; stored with the model"},
                {"model", ArtifactKind::kModel, false, "weights to begin with, its shape and inputs then count"}};
  verb.output = ArtifactKind::kModel;
  verb.schema = schema_of<FinetuneOptions>();
  verb.torch = true;
  verb.resumable = true;
  verb.revision = 5;
  verb.prepare = prepare_finetune;
  verb.check_inputs = check_finetune_inputs;
  verb.notes = finetune_notes;
  verb.example = "athanor run recipes/bert-sst2.yaml finetune.epochs=2";
  return verb;
}

}  // namespace athanor
