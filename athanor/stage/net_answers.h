// predict and evaluate with a network that finetune made. Part of the torch unit.
#pragma once

#include "athanor/run/verb.h"
#include "athanor/stage/evaluate.h"
#include "athanor/stage/predict.h"

namespace athanor {

nlohmann::json predict_with_net(StageContext& context, const PredictOptions& options);
nlohmann::json evaluate_net(StageContext& context, const EvaluateOptions& options);

}  // namespace athanor
