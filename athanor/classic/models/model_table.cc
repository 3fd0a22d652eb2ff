// The table of classical models. One line a model.
#include "athanor/classic/ensembles/ensemble_kinds.h"
#include "athanor/classic/models/model.h"
#include "athanor/classic/trees/tree_kinds.h"

namespace athanor {

const std::vector<ModelKind>& model_kinds() {
  static const std::vector<ModelKind> kinds = {
      decision_tree_kind(), forest_kind(), extra_trees_kind(), boosting_kind(), isolation_forest_kind(),
      bagging_kind(), adaboost_kind(), voting_kind(), stacking_kind(),
  };
  return kinds;
}

}  // namespace athanor
