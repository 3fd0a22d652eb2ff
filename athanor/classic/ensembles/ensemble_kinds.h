// The makers of the models made of models, for the table of models.
#pragma once

#include "athanor/classic/models/model.h"

namespace athanor {

ModelKind bagging_kind();
ModelKind adaboost_kind();
ModelKind voting_kind();
ModelKind stacking_kind();

}  // namespace athanor
