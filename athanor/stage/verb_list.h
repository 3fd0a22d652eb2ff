// One function a verb, each in its own file; verbs.cc puts them into the table.
#pragma once

#include "athanor/run/verb.h"

namespace athanor {

Verb collect_verb();
Verb measure_verb();
Verb clean_verb();
Verb dedup_verb();
Verb decontaminate_verb();
Verb split_verb();
Verb mix_verb();
Verb describe_verb();
Verb tokenizer_verb();
Verb count_verb();
Verb encode_verb();
Verb features_verb();
Verb fit_verb();
Verb tune_verb();
Verb fold_verb();
Verb validate_verb();
Verb predict_verb();
Verb pretrain_verb();
Verb finetune_verb();
Verb evaluate_verb();
Verb generate_verb();

}  // namespace athanor
