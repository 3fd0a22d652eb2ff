// The shape of the model that pretrain trains, known before any of its memory is taken. Part of the torch unit.
#pragma once

#include "athanor/base/file.h"
#include "athanor/model/config.h"
#include "athanor/stage/pretrain.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

// Of a model that is given: its own, with what the recipe says of training it, under the head that the objective wants, over
// the tokenizer's vocabulary where that is another than its own (null: not known). Reads config.json and the sizes of its
// weights. Error(kUsage) where the recipe names another family, or rows longer than its positions; Error(kInput) for a folder
// that it cannot be made of, and for a vocabulary smaller than the tokenizer's.
ModelConfig shape_of_given(const fs::path& folder, const PretrainOptions& options, const Tokenizer* tokenizer);

// The same for a model whose shape is known in another way: one that a step before will make.
ModelConfig shape_to_train_on(ModelConfig config, const PretrainOptions& options);

}  // namespace athanor
