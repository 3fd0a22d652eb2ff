#include "athanor/train/control.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/format.h"

namespace athanor {

namespace {

constexpr size_t kMeanSteps = 100;
constexpr double kMostBatch = 64;  // times batch_size: a rule without an end would ask for more memory than there is
constexpr const char* kMetrics[] = {"loss", "loss_mean", "grad_norm", "valid_loss", "gap"};

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  throw Error(ErrorKind::kUsage, what, where,
              "for example {metric: grad_norm, above: 5, for: 20, lr: 0.5, cooldown: 200, at_most: 3}");
}

double number_in(const nlohmann::json& value, double low, double high, const std::string& where) {
  if (!value.is_number() || !(value.get<double>() >= low && value.get<double>() <= high)) {
    refuse(where, "must be a number from " + human_number(low) + " to " + human_number(high) + ", not " + value.dump());
  }
  return value.get<double>();
}

int64_t count_in(const nlohmann::json& value, int64_t low, const std::string& where) {
  if (!value.is_number_integer() || value.get<int64_t>() < low) {
    refuse(where, "must be a whole number of at least " + std::to_string(low) + ", not " + value.dump());
  }
  return value.get<int64_t>();
}

ControlRule parse_rule(const nlohmann::json& entry, const std::string& where) {
  if (!entry.is_object()) {
    refuse(where, "must be a map");
  }
  ControlRule rule;
  for (const auto& [key, value] : entry.items()) {
    const std::string at = where + "." + key;
    if (key == "metric") {
      rule.metric = value.is_string() ? value.get<std::string>() : "";
    } else if (key == "above") {
      rule.above = number_in(value, -1e300, 1e300, at);
    } else if (key == "below") {
      rule.below = number_in(value, -1e300, 1e300, at);
    } else if (key == "no_better_for") {
      rule.no_better_for = count_in(value, 1, at);
    } else if (key == "for") {
      rule.looks = count_in(value, 1, at);
    } else if (key == "lr") {
      rule.lr = number_in(value, 1e-9, 1e9, at);
    } else if (key == "batch") {
      rule.batch = number_in(value, 1e-3, kMostBatch, at);
    } else if (key == "stop" && value.is_boolean()) {
      rule.stop = value.get<bool>();
    } else if (key == "cooldown") {
      rule.cooldown = count_in(value, 0, at);
    } else if (key == "at_most") {
      rule.at_most = count_in(value, 0, at);
    } else {
      refuse(at, "is not a key of a rule, or holds the wrong thing: " + value.dump());
    }
  }
  if (std::find(std::begin(kMetrics), std::end(kMetrics), rule.metric) == std::end(kMetrics)) {
    refuse(where + ".metric", "must be loss, loss_mean, grad_norm, valid_loss or gap");
  }
  if (int{rule.above.has_value()} + int{rule.below.has_value()} + int{rule.no_better_for > 0} != 1) {
    refuse(where, "wants one of above, below and no_better_for");
  }
  if (rule.no_better_for > 0 && entry.contains("for")) {
    refuse(where + ".for", "is for above and below: no_better_for counts its looks itself");
  }
  if (rule.cooldown > 0 && rule.at_most == 1) {
    refuse(where + ".cooldown", "is for rules that decide more than once: give at_most too (0: any number)");
  }
  if (rule.stop && (rule.lr != 1 || rule.batch != 1 || entry.contains("at_most"))) {
    refuse(where + ".stop", "ends the run: lr, batch and at_most beside it would do nothing");
  }
  if (rule.lr == 1 && rule.batch == 1 && !rule.stop) {
    refuse(where, "does nothing: give lr, batch or stop");
  }
  return rule;
}

std::string text_of(double value) { return human_number(value); }

}  // namespace

std::vector<ControlRule> parse_control(const nlohmann::json& rules) {
  if (rules.is_null()) {
    return {};
  }
  if (!rules.is_array()) {
    refuse("control", "must be a list of rules");
  }
  std::vector<ControlRule> list;
  for (const auto& entry : rules) {
    list.push_back(parse_rule(entry, "control[" + std::to_string(list.size()) + "]"));
  }
  return list;
}

Control::Control(std::vector<ControlRule> rules) : rules_(std::move(rules)), states_(rules_.size()) {}

std::vector<ControlDecision> Control::see_step(double loss, double grad_norm) {
  std::vector<ControlDecision> decisions;
  if (rules_.empty()) {
    return decisions;
  }
  if (std::isfinite(loss)) {
    losses_.push_back(loss);
  }
  if (losses_.size() > kMeanSteps) {
    losses_.pop_front();
  }
  look("loss", loss, decisions);
  look("grad_norm", grad_norm, decisions);
  if (!losses_.empty()) {
    look("loss_mean", std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(losses_.size()), decisions);
  }
  return decisions;
}

std::vector<ControlDecision> Control::see_validation(double valid_loss) {
  std::vector<ControlDecision> decisions;
  look("valid_loss", valid_loss, decisions);
  if (!losses_.empty()) {
    const double mean = std::accumulate(losses_.begin(), losses_.end(), 0.0) / static_cast<double>(losses_.size());
    look("gap", valid_loss - mean, decisions);
  }
  return decisions;
}

// What is no number (a step that diverged, one whose fp16 overflowed) is no evidence, and no state to be saved.
void Control::look(const std::string& metric, double value, std::vector<ControlDecision>& decisions) {
  if (!std::isfinite(value)) {
    return;
  }
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].metric != metric || (rules_[i].at_most > 0 && states_[i].decisions >= rules_[i].at_most)) {
      continue;
    }
    State& state = states_[i];
    const bool agreed = agrees(rules_[i], state, value) && changes(rules_[i]);
    if (state.resting > 0) {
      --state.resting;
      state.agreeing = 0;
    } else if (agreed) {
      decisions.push_back(decide(i, value));
    }
  }
}

bool Control::agrees(const ControlRule& rule, State& state, double value) const {
  if (rule.no_better_for > 0) {
    if (!state.best || value < *state.best) {
      state.best = value;
      state.since_best = 0;
    } else {
      ++state.since_best;
    }
    return state.since_best >= rule.no_better_for;
  }
  const bool over = rule.above ? value > *rule.above : value < *rule.below;
  state.agreeing = over ? state.agreeing + 1 : 0;
  return state.agreeing >= rule.looks;
}

double Control::batch_after(const ControlRule& rule) const { return std::min(kMostBatch, batch_factor_ * rule.batch); }

bool Control::changes(const ControlRule& rule) const {
  return rule.stop || rule.lr != 1 || batch_after(rule) != batch_factor_;
}

ControlDecision Control::decide(size_t index, double value) {
  const ControlRule& rule = rules_[index];
  State& state = states_[index];
  ControlDecision decision{index, "", ""};
  if (rule.lr != 1) {
    lr_factor_ *= rule.lr;
    decision.what += "learning rate x " + text_of(rule.lr) + " ";
  }
  if (batch_after(rule) != batch_factor_) {
    const double factor = batch_after(rule) / batch_factor_;
    batch_factor_ = batch_after(rule);
    decision.what += "batch x " + text_of(factor) + (batch_factor_ == kMostBatch ? ", the most there is " : " ");
  }
  if (rule.stop) {
    stopped_ = true;
    decision.what += "end of training ";
  }
  decision.what.pop_back();
  const std::string looks = std::to_string(rule.no_better_for > 0 ? rule.no_better_for : rule.looks);
  decision.why = rule.no_better_for > 0
                     ? rule.metric + " no better for " + looks + " looks: " + text_of(value) + ", best " + text_of(*state.best)
                     : rule.metric + (rule.above ? " above " + text_of(*rule.above) : " below " + text_of(*rule.below)) +
                           " for " + looks + " looks: " + text_of(value);
  ++state.decisions;
  state.agreeing = 0;
  state.since_best = 0;
  state.resting = rule.cooldown;
  return decision;
}

nlohmann::json Control::to_json() const {
  auto states = nlohmann::json::array();
  for (const State& state : states_) {
    states.push_back({{"agreeing", state.agreeing},
                      {"resting", state.resting},
                      {"decisions", state.decisions},
                      {"best", state.best ? nlohmann::json(*state.best) : nlohmann::json()},
                      {"since_best", state.since_best}});
  }
  return {{"states", states}, {"losses", losses_}, {"lr", lr_factor_}, {"batch", batch_factor_}, {"stopped", stopped_}};
}

void Control::restore(const nlohmann::json& saved) {
  for (size_t i = 0; i < states_.size(); ++i) {
    const auto& from = saved.at("states").at(i);
    states_[i] = {from.at("agreeing").get<int64_t>(), from.at("resting").get<int64_t>(),
                  from.at("decisions").get<int64_t>(),
                  from.at("best").is_null() ? std::nullopt : std::optional(from.at("best").get<double>()),
                  from.at("since_best").get<int64_t>()};
  }
  losses_ = saved.at("losses").get<std::deque<double>>();
  lr_factor_ = saved.at("lr").get<double>();
  batch_factor_ = saved.at("batch").get<double>();
  stopped_ = saved.at("stopped").get<bool>();
}

}  // namespace athanor
