// The table of all steps. A new one is a file and a line here.
#include "athanor/clean/tables/step_makers.h"

namespace athanor {

const std::vector<TableStepKind>& table_step_kinds() {
  static const std::vector<TableStepKind> kinds{
      {"missing", "gaps are dropped, or filled by a constant, a mean, a median, a mode, near rows or a model",
       missing_step_options(), make_missing_step},
      {"outliers", "numbers far from the others (quartiles, z-score, median deviation, isolation forest) are marked, clipped, "
                   "dropped or made missing",
       outliers_step_options(), make_outliers_step},
      {"duplicates", "rows that say the same as another one are dropped", duplicates_step_options(), make_duplicates_step},
      {"units", "'12 lb', '3,5 kg', '6 尺', '$1,200' become numbers of one unit", units_step_options(), make_units_step},
      {"formats", "numbers, dates, letters and truth values written in one way", formats_step_options(), make_formats_step},
      {"merge", "spellings of one category become one; rare categories become one", merge_step_options(), make_merge_step},
      {"range", "values outside of bounds, a list or a pattern are made missing, dropped, clipped or marked",
       range_step_options(), make_range_step},
      {"drop_columns", "columns are left out: by name, constant ones, those mostly missing", drop_columns_step_options(),
       make_drop_columns_step},
  };
  return kinds;
}

}  // namespace athanor
