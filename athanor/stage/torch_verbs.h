// The verbs whose work lives in the torch unit; torch_unit_torch.cc puts them into its table.
#pragma once

#include "athanor/run/verb.h"

namespace athanor {

nlohmann::json execute_pretrain(StageContext& context);
nlohmann::json plan_pretrain(const nlohmann::json& options, const std::vector<StageInput>& inputs);
nlohmann::json execute_finetune(StageContext& context);
nlohmann::json plan_finetune(const nlohmann::json& options, const std::vector<StageInput>& inputs);
nlohmann::json execute_evaluate(StageContext& context);
nlohmann::json execute_predict_model(StageContext& context);
nlohmann::json execute_generate(StageContext& context);
// chat: options has the model's folder and the sampling; talks on stdin and stdout.
nlohmann::json execute_chat(StageContext& context);

}  // namespace athanor
