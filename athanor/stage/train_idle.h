// Which of the training options that pretrain and finetune share count: the others are refused.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace athanor {

// resolved: a step's options; usual: the verb's own by default. Error(kUsage) as refuse_idle (idle_options.h).
void check_training_options(const nlohmann::json& resolved, const nlohmann::json& usual, const std::string& verb);

}  // namespace athanor
