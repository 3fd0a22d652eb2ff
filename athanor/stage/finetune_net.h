// What finetune and its plan begin with: documents read, inputs and labels learnt, a network made. Part of the torch unit.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "athanor/run/verb.h"
#include "athanor/stage/finetune.h"
#include "athanor/stage/labelled_documents.h"
#include "athanor/stage/net_folder.h"
#include "athanor/train/memory.h"
#include "athanor/train/objectives/classification.h"

namespace athanor {

struct NetTraining {
  std::optional<NetFolder> given;               // the model to begin with; without one:
  std::unique_ptr<Tokenizer> fresh_tokenizer;   // for text
  std::unique_ptr<Inputs> fresh_inputs;
  LabelMeaning meaning;
  LabelledExamples train;
  LabelledExamples valid;
  std::unique_ptr<Net> net;
  FinetuneOptions options;  // with steps and eval_every by the number of examples
  ClassificationSettings settings;

  Inputs& inputs() const { return given ? *given->inputs : *fresh_inputs; }
  const Tokenizer* tokenizer() const { return given ? given->tokenizer.get() : fresh_tokenizer.get(); }
};

// Reads all documents. What is of no use goes to `rejects`; more than max_rejected of it is Error(kInput). A network whose
// parameters, gradients and moments alone would not fit where it is trained is not made: Error(kResource).
NetTraining prepare_net_training(const FinetuneOptions& options, const std::vector<StageInput>& inputs, const TrainPlace& place,
                                 RejectLog& rejects);

// Null when it is not given.
const StageInput* find_input(const std::vector<StageInput>& inputs, const std::string& role);

}  // namespace athanor
