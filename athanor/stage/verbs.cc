#include "athanor/stage/verbs.h"

#include "athanor/stage/torch_unit.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

std::span<const Verb> verbs() {
  static const std::vector<Verb> table{
      collect_verb(),    // sources -> documents
      measure_verb(),    // documents -> documents with scores
      clean_verb(),      // documents -> documents
      dedup_verb(),      // documents x (documents) -> documents
      decontaminate_verb(),  // documents x documents -> documents
      split_verb(),      // documents -> documents/{train,valid,test}
      mix_verb(),        // documents... -> documents
      describe_verb(),   // documents -> report
      tokenizer_verb(),  // documents -> tokenizer
      count_verb(),      // documents x tokenizer -> documents with num_tokens
      encode_verb(),     // documents x tokenizer -> tokens
      features_verb(),   // documents x (documents) -> documents with feature columns
      fit_verb(),        // documents x (documents) x (tokenizer) -> estimator
      tune_verb(),       // recipe x space -> report, best model
      validate_verb(),   // (documents) x recipe -> report
      fold_verb(),       // documents -> documents/{train,valid,test}
      predict_verb(),    // documents x (estimator) -> documents
      pretrain_verb(),   // tokens x (tokens) x tokenizer -> model
      finetune_verb(),   // documents x (documents) x (tokenizer) x (model) -> model
      evaluate_verb(),   // model x tokens -> report
      generate_verb(),   // model -> report
  };
  return table;
}

const Verb* find_verb(std::string_view name) {
  for (const auto& verb : verbs()) {
    if (verb.name == name) {
      return &verb;
    }
  }
  return nullptr;
}

std::vector<std::string> verb_names() {
  std::vector<std::string> names;
  for (const auto& verb : verbs()) {
    names.push_back(verb.name);
  }
  return names;
}

ExecuteFunction execute_function(const Verb& verb) {
  return verb.torch ? torch_entry(verb.name).execute : verb.execute;
}

PlanFunction plan_function(const Verb& verb) { return verb.torch ? torch_entry(verb.name).plan : verb.plan; }

}  // namespace athanor
