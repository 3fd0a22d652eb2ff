#include "athanor/stage/train_idle.h"

#include "athanor/stage/idle_options.h"

namespace athanor {

void check_training_options(const nlohmann::json& resolved, const nlohmann::json& usual, const std::string& verb) {
  const auto name = resolved.at("schedule").at("name").get<std::string>();
  const bool cycle = name == "one_cycle";  // has a warm-up and an end of its own
  const SometimesRead by_schedule[] = {
      {"schedule.warmup_steps", !cycle, "schedules with a warm-up (all but one_cycle)"},
      {"schedule.min_lr_fraction", !cycle && name != "constant", "schedules that fall (all but constant and one_cycle)"},
  };
  refuse_idle(resolved, usual, by_schedule, verb, "schedule " + name);
}

}  // namespace athanor
