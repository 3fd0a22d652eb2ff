// Which columns of a table a group of features reads. Private to this room.
#pragma once

#include <set>

#include "athanor/feature/transform.h"

namespace athanor {

// A word for all columns of a kind: "numbers", "categories", "texts", "dates", "images", "sparse".
// False for another.
bool kind_of_word(const std::string& word, ColumnKind& kind);
const char* word_of_kind(ColumnKind kind);

// Why a column says nothing: "has no values", "has one value", "is an id: ..."; empty when it may
// say something.
std::string why_useless(const TableColumn& column, bool for_trees);

// Columns that `columns` of a recipe means: names, words of kinds, or "rest" (those that `taken`
// does not hold), in the order of the table. Useless ones are left out with a warning, each once; a
// column that is named counts as no id. Error(kUsage) at `where` with the nearest name.
std::vector<const TableColumn*> choose_columns(const Table& table, const nlohmann::json& columns,
                                               const std::set<std::string>& taken, bool for_trees,
                                               const std::string& where,
                                               std::set<std::string>& left_out,
                                               FitContext& context);
// Names that the recipe says, without words of kinds.
std::set<std::string> named_columns(const Table& table, const nlohmann::json& features);

}  // namespace athanor
