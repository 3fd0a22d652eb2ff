// A model for another vocabulary: the same layers, token tables put together from the old rows. So a tokenizer can be
// extended, pruned or replaced before training goes on.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "athanor/model/language_model.h"

namespace athanor {

// A table with one row a token, by its HF name: the input embedding or the head.
bool is_token_table(std::string_view parameter_name);

// sources[i]: ids of the old vocabulary that the new id i stands for (map_vocabulary gives them). Its row, in the token
// table and in an untied head, is the mean of theirs, so a token kept is the same row bit for bit; without sources it is
// the mean of all old rows, as transformers' resize has it (Hewitt 2021). bos and eos follow their tokens. All else is
// copied. Error(kInput) for a source outside the old vocabulary.
std::unique_ptr<LanguageModel> change_vocabulary(const LanguageModel& model,
                                                 std::span<const std::vector<int32_t>> sources);

}  // namespace athanor
