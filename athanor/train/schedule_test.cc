#include "athanor/train/schedule.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/train/trainer.h"

namespace athanor {
namespace {

// nanoGPT's get_lr with learning_rate 6e-4, min_lr 6e-5, warmup_iters 100, lr_decay_iters 1000, run in Python.
TEST(Schedule, CosineIsNanoGptsFormula) {
  const Schedule schedule(6e-4, {.name = "cosine", .warmup_steps = 100, .min_lr_fraction = 0.1}, 1000);
  const std::pair<int64_t, double> golden[] = {
      {0, 5.9405940594059398e-06},  {1, 1.188118811881188e-05},    {50, 0.00030297029702970298},
      {99, 0.00059405940594059404}, {100, 0.00059999999999999995}, {101, 0.00059999835506760338},
      {300, 0.00053683199964212394}, {550, 0.00032999999999999994}, {777, 0.00013775296758243097},
      {999, 6.0001644932396594e-05}, {1000, 6.0000000000000002e-05}, {1500, 6.0000000000000002e-05}};
  for (const auto& [step, lr] : golden) {
    EXPECT_NEAR(schedule.lr(step), lr, 1e-18) << step;
  }
}

TEST(Schedule, WsdHoldsThenDecays) {
  ScheduleOptions options{.name = "wsd", .warmup_steps = 10, .min_lr_fraction = 0, .decay_fraction = 0.2};
  const Schedule linear(1.0, options, 100);
  EXPECT_DOUBLE_EQ(linear.lr(0), 1.0 / 11);
  EXPECT_DOUBLE_EQ(linear.lr(10), 1.0);
  EXPECT_DOUBLE_EQ(linear.lr(80), 1.0);
  EXPECT_DOUBLE_EQ(linear.lr(85), 0.75);
  EXPECT_NEAR(linear.lr(99), 0.05, 1e-15);
  options.decay_shape = "sqrt";
  const Schedule root(1.0, options, 100);
  EXPECT_DOUBLE_EQ(root.lr(79), 1.0);
  EXPECT_DOUBLE_EQ(root.lr(85), 0.5);  // 1 - sqrt(5 / 20)
  EXPECT_DOUBLE_EQ(root.lr(100), 0.0);
}

TEST(Schedule, LinearAndConstant) {
  const Schedule linear(2.0, {.name = "linear", .warmup_steps = 0, .min_lr_fraction = 0.5}, 10);
  EXPECT_DOUBLE_EQ(linear.lr(0), 2.0);
  EXPECT_DOUBLE_EQ(linear.lr(5), 1.5);
  EXPECT_DOUBLE_EQ(linear.lr(10), 1.0);
  const Schedule constant(2.0, {.name = "constant", .warmup_steps = 1}, 10);
  EXPECT_DOUBLE_EQ(constant.lr(0), 1.0);
  EXPECT_DOUBLE_EQ(constant.lr(9), 2.0);
}

TEST(Schedule, StepExponentialInverseRootPolynomial) {
  const Schedule step(1.0, {.name = "step", .warmup_steps = 0, .min_lr_fraction = 0, .gamma = 0.5, .step_size = 10}, 100);
  EXPECT_DOUBLE_EQ(step.lr(9), 1.0);
  EXPECT_DOUBLE_EQ(step.lr(10), 0.5);
  EXPECT_DOUBLE_EQ(step.lr(35), 0.125);
  const Schedule fall(1.0, {.name = "exponential", .warmup_steps = 0, .min_lr_fraction = 0.01}, 100);
  EXPECT_NEAR(fall.lr(50), 0.1, 1e-12);
  EXPECT_NEAR(fall.lr(100), 0.01, 1e-12);
  const Schedule root(1.0, {.name = "inverse_sqrt", .warmup_steps = 25, .min_lr_fraction = 0}, 1000);
  EXPECT_DOUBLE_EQ(root.lr(25), 1.0);
  EXPECT_DOUBLE_EQ(root.lr(100), 0.5);  // sqrt(25 / 100)
  const Schedule square(1.0, {.name = "polynomial", .warmup_steps = 0, .min_lr_fraction = 0, .power = 2}, 10);
  EXPECT_DOUBLE_EQ(square.lr(5), 0.25);
}

// torch.optim.lr_scheduler.OneCycleLR(max_lr=0.5, total_steps=20), torch 2.13: the rate before each step.
TEST(Schedule, OneCycleIsPyTorchs) {
  const Schedule cycle(0.5, {.name = "one_cycle"}, 20);
  const std::pair<int64_t, double> golden[] = {
      {0, 0.02}, {1, 0.06583592135}, {3, 0.33416407865}, {5, 0.5}, {6, 0.493732003118},
      {10, 0.358471500896}, {15, 0.0941291730251}, {18, 0.00626999688246}, {19, 2e-06}};
  for (const auto& [step, lr] : golden) {
    EXPECT_NEAR(cycle.lr(step), lr, 1e-9) << step;
  }
}

// torch's ReduceLROnPlateau(factor=0.5, patience=1, threshold=0.1) over these losses.
TEST(Schedule, PlateauFallsWithoutProgress) {
  Plateau plateau({.name = "plateau", .min_lr_fraction = 0.2, .gamma = 0.5, .patience = 1, .threshold = 0.1});
  std::vector<double> factors;
  for (const double loss : {1.0, 0.95, 0.92, 0.5, 0.5, 0.49, 0.48, 0.47, 0.47, 0.47}) {
    plateau.see(loss);
    factors.push_back(plateau.factor());
  }
  EXPECT_EQ(factors, (std::vector<double>{1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2, 0.2}));
  Plateau restored({.name = "plateau", .min_lr_fraction = 0.2, .gamma = 0.5, .patience = 1, .threshold = 0.1});
  restored.restore(plateau.to_json());
  EXPECT_EQ(restored.factor(), plateau.factor());
}

TEST(Schedule, NeverLeavesItsRange) {
  for (const char* name : {"cosine", "wsd", "linear", "constant", "step", "exponential", "inverse_sqrt", "polynomial",
                           "one_cycle", "plateau"}) {
    for (int64_t warmup : {0, 1, 7, 20, 50}) {  // longer than the run, too
      const Schedule schedule(1.0, {.name = name, .warmup_steps = warmup, .min_lr_fraction = 0.1}, 20);
      for (int64_t step = 0; step < 25; ++step) {
        const double lr = schedule.lr(step);
        EXPECT_TRUE(std::isfinite(lr) && lr > 0 && lr <= 1.0) << name << " " << warmup << " " << step;
      }
    }
  }
}

TEST(Schedule, RefusesWhatMakesNoSense) {
  EXPECT_THROW(Schedule(1.0, {.name = "cosin"}, 10), Error);
  EXPECT_THROW(Schedule(0.0, {}, 10), Error);
  EXPECT_THROW(Schedule(NAN, {}, 10), Error);
  EXPECT_THROW(Schedule(1.0, {.warmup_steps = -1}, 10), Error);
  EXPECT_THROW(Schedule(1.0, {.decay_fraction = 2}, 10), Error);
  EXPECT_THROW(Schedule(1.0, {}, 0), Error);
}

TEST(Plateau, AValidationThatIsNoNumberIsNoBest) {
  ScheduleOptions options;
  options.name = "plateau";
  options.patience = 1;
  Plateau plateau(options);
  plateau.see(std::numeric_limits<double>::quiet_NaN());
  Plateau again(options);
  again.restore(nlohmann::json::parse(plateau.to_json().dump()));
  EXPECT_FALSE(again.see(1.0));
  EXPECT_FALSE(again.see(1.0));
  EXPECT_TRUE(again.see(1.0)) << "1 is the best there is";
}

TEST(Schedule, TellsWhereItFallsNoFurther) {
  TrainOptions options;
  options.steps = 90;
  options.schedule.warmup_steps = 0;
  options.schedule.name = "step";
  options.schedule.step_size = 30;
  ASSERT_EQ(schedule_warnings(options).size(), 1u);  // two falls by 0.1, of which the minimum allows one
  options.schedule.min_lr_fraction = 0;
  EXPECT_TRUE(schedule_warnings(options).empty());
  options.schedule.min_lr_fraction = 0.1;
  options.schedule.step_size = 80;
  EXPECT_TRUE(schedule_warnings(options).empty());
  options.schedule.name = "one_cycle";
  EXPECT_TRUE(schedule_warnings(options).empty());
  options.schedule = ScheduleOptions();
  EXPECT_EQ(schedule_warnings(options).size(), 1u) << "100 steps of warm-up in 90";
}

TEST(Schedule, TellsThatAStepNeverComes) {
  TrainOptions options;
  options.steps = 90;
  options.schedule.name = "step";
  options.schedule.min_lr_fraction = 0;
  options.schedule.warmup_steps = 10;
  options.schedule.step_size = 79;  // falls at step 89, the last
  EXPECT_TRUE(schedule_warnings(options).empty());
  options.schedule.step_size = 80;
  ASSERT_EQ(schedule_warnings(options).size(), 1u);
  EXPECT_NE(schedule_warnings(options)[0].find("the rate never falls"), std::string::npos);
}

TEST(Schedule, TellsWhatWaitsForMoreValidationsThanThereAre) {
  TrainOptions options;
  options.steps = 40;
  options.schedule.warmup_steps = 0;
  options.patience = 3;
  options.eval_every = 0;
  ASSERT_EQ(schedule_warnings(options).size(), 1u);
  EXPECT_EQ(schedule_warnings(options)[0].rfind("patience 3 acts after 4 validations", 0), 0u);
  options.eval_every = 10;  // at steps 10, 20 and 30; that of step 40 ends nothing
  EXPECT_EQ(schedule_warnings(options).size(), 1u);
  options.eval_every = 9;
  EXPECT_TRUE(schedule_warnings(options).empty());
  options.patience = 0;
  options.schedule.name = "plateau";
  options.schedule.min_lr_fraction = 0;
  options.schedule.patience = 2;
  EXPECT_TRUE(schedule_warnings(options).empty());
  options.schedule.patience = 3;
  EXPECT_EQ(schedule_warnings(options).size(), 1u);
  options.schedule = ScheduleOptions();
  options.schedule.warmup_steps = 0;
  options.control = nlohmann::json::parse(R"([{"metric": "valid_loss", "above": 1, "for": 2, "lr": 0.5},
                                              {"metric": "gap", "no_better_for": 4, "stop": true},
                                              {"metric": "loss", "above": 9, "for": 99, "lr": 0.5}])");
  ASSERT_EQ(schedule_warnings(options).size(), 1u);
  EXPECT_NE(schedule_warnings(options)[0].find("rule 2 on gap"), std::string::npos);
  options.eval_every = 0;
  EXPECT_EQ(schedule_warnings(options).size(), 2u);
}

}  // namespace
}  // namespace athanor
