// docs/data/rules.md names every step, option and metric of the table, with the defaults as they are.
#include <gtest/gtest.h>

#include "athanor/base/file.h"
#include "athanor/clean/step.h"

namespace athanor {
namespace {

// The tables of one step, as they stand in the docs.
std::string tables_of(const StepEntry& entry) {
  std::string out = "| option | default | meaning |\n|---|---|---|\n";
  for (const StepOption& option : entry.options) {
    std::string value = option.default_value.dump();
    out += "| `" + std::string(option.name) + "`" + (option.threshold ? "" : option.file ? " (file)" : " *") + " | `" +
           value + "` | " + option.meaning + " |\n";
  }
  out += "\nMeasures:";
  for (const StepMetric& metric : entry.metrics) {
    out += std::string(&metric == entry.metrics.data() ? " " : "; ") + "`" + metric.name + "` " + metric.meaning;
  }
  return out + ".\n";
}

TEST(CleanDocs, TablesAreThoseOfTheTable) {
  const std::string docs = read_file(ATHANOR_SOURCE_DIR "/docs/data/rules.md");
  for (const StepEntry& entry : clean_steps()) {
    const size_t at = docs.find("### `" + std::string(entry.name) + "`");
    ASSERT_NE(at, std::string::npos) << entry.name;
    EXPECT_NE(docs.find(tables_of(entry), at), std::string::npos)
        << "the tables of " << entry.name << " in docs/data/rules.md must read\n" << tables_of(entry);
  }
}

// Prints the skeleton of the docs: build/clean_tests --gtest_also_run_disabled_tests --gtest_filter='*PrintTables'
TEST(CleanDocs, DISABLED_PrintTables) {
  for (const StepEntry& entry : clean_steps()) {
    std::printf("@@%s\n%s", entry.name, tables_of(entry).c_str());
  }
}

}  // namespace
}  // namespace athanor
