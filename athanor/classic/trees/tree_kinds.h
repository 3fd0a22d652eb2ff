// The makers of the models of trees, for the table of models.
#pragma once

#include "athanor/classic/models/model.h"

namespace athanor {

ModelKind boosting_kind();
ModelKind decision_tree_kind();
ModelKind forest_kind();
ModelKind extra_trees_kind();
ModelKind isolation_forest_kind();

}  // namespace athanor
