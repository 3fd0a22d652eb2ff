// What the terminal and the page tell of a training run's decisions.
#include "athanor/stage/training_words.h"

#include <gtest/gtest.h>

namespace athanor {
namespace {

using nlohmann::json;

TEST(TrainingWords, DecisionsSpikesAndWarnings) {
  EXPECT_EQ(training_words({{"type", "decision"}, {"step", 3}, {"what", "end of training"}, {"why", "loss above 4 for 1 looks: 5"}}),
            "end of training: loss above 4 for 1 looks: 5");
  json spike{{"type", "spike"}, {"step", 7}, {"reason", "the loss is not finite"}, {"action", "rollback"}, {"to_step", 4},
             {"loss", nullptr}, {"grad_norm", 2.5}, {"documents", {"a", "b", "c", "d", "e", "f", "g"}}};
  EXPECT_EQ(training_words(spike),
            "spike: the loss is not finite; rollback: back to step 4; loss not finite, gradient norm 2.5, documents a, b, c, d, e and 2 more");
  spike["action"] = "skip";
  EXPECT_NE(training_words(spike).find("skip: the update is left out"), std::string::npos);
  EXPECT_EQ(training_words({{"type", "warning"}, {"what", "slow"}}), "warning: slow");
  EXPECT_EQ(training_words({{"type", "step"}, {"loss", 1}}), "");
}

TEST(TrainingWords, RemarksAreCountedWhereTheyAreMany) {
  TrainingRemarks remarks;
  remarks.see({{"type", "resumed"}, {"step", 1200}});
  for (int step = 1; step <= 30; ++step) {
    remarks.see({{"type", "decision"}, {"step", step}, {"what", "batch x 0.5"}, {"why", "loss"}});
    remarks.see({{"type", "overflow"}, {"step", step}, {"loss_scale", 1024}});
  }
  const auto texts = remarks.texts();
  ASSERT_EQ(texts.size(), TrainingRemarks::kMost + 2);
  EXPECT_EQ(texts[0], "step 1,200: resumed");
  EXPECT_EQ(texts[1], "step 1: batch x 0.5: loss");
  EXPECT_EQ(texts[20], "and 11 more: events.jsonl in the run");
  EXPECT_EQ(texts[21], "fp16 overflowed: 30 updates left out, the loss scale is 1,024 since");
}

TEST(TrainingWords, EarlyEnd) {
  EXPECT_EQ(early_end({{"steps", 3}, {"planned_steps", 12}}), "ended at step 3 of 12");
  EXPECT_EQ(early_end({{"steps", 12}, {"planned_steps", 12}}), "");
  EXPECT_EQ(early_end({{"steps", 12}}), "") << "a run of an older program";
}

}  // namespace
}  // namespace athanor
