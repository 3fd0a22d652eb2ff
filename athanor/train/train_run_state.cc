// What a training run keeps on disk: checkpoints, and how it goes on from one.
#include <ATen/Parallel.h>

#include <limits>

#include "athanor/base/error.h"
#include "athanor/tensor/host_memory.h"
#include "athanor/train/train_run.h"

namespace athanor {

std::optional<ResumePoint> TrainRun::agreed_point(const std::function<std::optional<ResumePoint>()>& look) {
  std::optional<ResumePoint> found;
  const nlohmann::json answer = parallel_.from_leader("the checkpoint to go on from", [&]() -> nlohmann::json {
    found = look();
    if (!found) {
      return nullptr;
    }
    return {{"path", found->path.string()}, {"step", found->step}, {"event_position", found->event_position},
            {"trainer", found->trainer}};
  });
  if (!parallel_.leads() && !answer.is_null()) {
    found = ResumePoint{answer.at("path").get<std::string>(), answer.at("step").get<int64_t>(),
                        answer.at("event_position").get<uint64_t>(), answer.at("trainer")};
  }
  return found;
}

void TrainRun::resume() {
  const auto point = agreed_point([&] {
    if (!hooks_.found) {
      return find_resume_point(state_dir_, options_.final_weights == "best", &result_.warnings);
    }
    result_.warnings = hooks_.found->warnings;
    return hooks_.found->point;
  });
  last_checkpoint_ = point ? point->step : -1;
  if (parallel_.leads()) {
    const KeepCheckpoints keep{options_.keep_last, options_.keep_best,
                               options_.on_spike == "rollback" ? options_.rollback_every : 0};
    writer_ = std::make_unique<CheckpointWriter>(state_dir_, keep, point ? std::optional(point->step) : std::nullopt);
  }
  result_.loss = std::numeric_limits<double>::quiet_NaN();
  if (!point) {
    parallel_.copy_from_leader(model_state());  // machines may differ in the last bits of a fresh model
    parallel_.copy_from_leader(average_.state());
    return;
  }
  require_same_run(*point);
  restore(*point);
  result_.num_rollbacks = point->trainer.value("num_rollbacks", int64_t{0});
  rollbacks_to_point_ = point->trainer.value("rollbacks_to_point", int64_t{0});
  result_.resumed_from = point->step;
}

void TrainRun::restore(const ResumePoint& point) {
  load_tensors(point.path / "model.safetensors", model_state());
  parallel_.load_state(point.path / "optimizer.safetensors", optimizer_, average_.state());
  try {
    const nlohmann::json& saved = point.trainer;
    result_.step = point.step;
    samples_ = saved.at("samples").get<uint64_t>();
    optimizer_.set_num_updates(saved.at("num_updates").get<int64_t>());
    skips_in_a_row_ = saved.at("skips_in_a_row").get<int64_t>();
    guard_.restore(saved.at("guard"));
    loss_scale_.restore(saved.at("loss_scale"), (point.path / "trainer.json").string());
    plateau_.restore(saved.at("plateau"));
    control_.restore(saved.at("control"));
    result_.stopped_early = saved.at("stopped_early").get<bool>();
    evaluations_without_progress_ = saved.at("evaluations_without_progress").get<int64_t>();
    const auto mark = saved.find("progress_mark");
    progress_mark_ = mark != saved.end() && mark->is_number() ? std::optional(mark->get<double>()) : std::nullopt;
    result_.num_skipped = saved.value("num_skipped", int64_t{0});
    result_.best_metric.reset();  // a rollback leaves validations behind
    result_.best_step = 0;
    result_.last_eval.reset();
    if (saved.contains("best")) {
      result_.best_metric = saved.at("best").at("metric").get<double>();
      result_.best_step = saved.at("best").at("step").get<int64_t>();
    }
    if (saved.contains("last_eval")) {
      result_.last_eval = saved.at("last_eval");
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, std::string("a field is missing or of another type: ") + error.what(),
                (point.path / "trainer.json").string());
  }
  result_.num_units = reported_units_ = samples_ * static_cast<uint64_t>(objective_.units_per_sample());
}

int64_t TrainRun::rollback_point() const { return result_.step / options_.rollback_every * options_.rollback_every; }

void TrainRun::roll_back(int64_t rows) {
  const uint64_t past = samples_ + static_cast<uint64_t>(rows);
  if (writer_) {
    writer_->remove_after(rollback_point());
  }
  const auto point = agreed_point([&] { return find_checkpoint(state_dir_, rollback_point()); });
  if (!point) {
    throw Error(ErrorKind::kInput, "the checkpoint of step " + std::to_string(rollback_point()) + " is gone or damaged, and the spike goes back to it",
                state_dir_.string(), "train again: athanor run ... --force");
  }
  const int64_t skipped = result_.num_skipped;
  restore(*point);
  watch_.reset();
  samples_ = past;
  result_.num_skipped = skipped;  // they were skipped, though these steps are made again
  result_.num_units = reported_units_ = samples_ * static_cast<uint64_t>(objective_.units_per_sample());
  last_checkpoint_ = result_.step;
  ++rollbacks_to_point_;
  ++result_.num_rollbacks;
}

void TrainRun::require_same_run(const ResumePoint& point) const {
  const nlohmann::json saved = point.trainer.value("fingerprint", nlohmann::json::object()).flatten();
  const nlohmann::json ours = fingerprint_.flatten();
  for (const auto& [key, value] : ours.items()) {
    const auto old = saved.find(key);
    if (old == saved.end() || *old != value) {
      throw Error(ErrorKind::kInput,
                  "the checkpoint was made with another " + key.substr(1) + ": " +
                      (old == saved.end() ? "none" : old->dump()) + " there, " + value.dump() + " now",
                  point.path.string(), "use the same recipe and data, or another run folder");
    }
  }
}

void TrainRun::choose_final_weights(const fs::path& state_dir) {
  if (options_.final_weights == "best" && result_.best_metric && result_.best_step != result_.step) {
    const auto best = find_checkpoint(state_dir, result_.best_step);
    if (!best) {
      throw Error(ErrorKind::kInput, "the checkpoint of the best validation, of step " + std::to_string(result_.best_step) +
                                         ", is gone or damaged", state_dir.string(),
                  "run the same command again: it goes on from before that step");
    }
    if (const auto eval = best->trainer.find("last_eval"); eval != best->trainer.end()) {
      result_.last_eval = *eval;  // what is told is of the weights that are saved
    }
    load_tensors(best->path / "model.safetensors", model_state());
    parallel_.load_state(best->path / "optimizer.safetensors", optimizer_, average_.state());
  }
  average_.swap();
  objective_.begin_step();
}

NamedTensors TrainRun::model_state() const {
  NamedTensors tensors;
  for (const NamedParameter& parameter : objective_.module().named_parameters()) {
    tensors.emplace_back(parameter.name, parameter.tensor);
  }
  for (auto& buffer : objective_.module().named_buffers()) {
    tensors.push_back(std::move(buffer));
  }
  return tensors;
}

NamedTensors TrainRun::optimizer_state() {
  NamedTensors tensors = parallel_.gather_state(optimizer_);
  for (auto& entry : average_.state()) {
    tensors.push_back(std::move(entry));
  }
  return tensors;
}

bool TrainRun::checkpoint_due(bool improved) const {
  const bool by_steps = (options_.checkpoint_every_steps > 0 && result_.step % options_.checkpoint_every_steps == 0) ||
                        (options_.on_spike == "rollback" && rollback_point() == result_.step);
  return by_steps || (parallel_.alone() ? clock_due() : clock_agreed_) || (improved && options_.keep_best);
}

bool TrainRun::clock_due() const {
  return options_.checkpoint_every_minutes > 0 &&
         since_checkpoint_.seconds() >= 60 * options_.checkpoint_every_minutes;
}

void TrainRun::save_checkpoint() {
  if (last_checkpoint_ == result_.step) {
    return;
  }
  last_checkpoint_ = result_.step;
  rollbacks_to_point_ = rollback_point() == result_.step ? 0 : rollbacks_to_point_;
  nlohmann::json trainer = {{"format", 1},
                            {"step", result_.step},
                            {"samples", samples_},
                            {"num_updates", optimizer_.num_updates()},
                            {"skips_in_a_row", skips_in_a_row_},
                            {"num_skipped", result_.num_skipped},
                            {"num_rollbacks", result_.num_rollbacks},
                            {"rollbacks_to_point", rollbacks_to_point_},
                            {"event_position", hooks_.event_position ? hooks_.event_position() : 0},
                            {"guard", guard_.to_json()},
                            {"loss_scale", loss_scale_.state()},
                            {"plateau", plateau_.to_json()},
                            {"control", control_.to_json()},
                            {"stopped_early", result_.stopped_early},
                            {"evaluations_without_progress", evaluations_without_progress_},
                            {"fingerprint", fingerprint_},
                            {"conditions", {{"threads", at::get_num_threads()}, {"ranks", parallel_.world()}}}};
  if (progress_mark_) {
    trainer["progress_mark"] = *progress_mark_;
  }
  if (result_.best_metric) {
    trainer["best"] = {{"metric", *result_.best_metric}, {"step", result_.best_step}};
  }
  if (metric_) {
    trainer["metric"] = *metric_;
  }
  if (result_.last_eval) {
    trainer["last_eval"] = *result_.last_eval;
  }
  give_back_freed_memory();  // the step's freed memory, so that the copy does not come on top of it
  const NamedTensors optimizer = optimizer_state();
  if (writer_) {
    writer_->save(result_.step, model_state(), optimizer, std::move(trainer));  // waits for the one before
  }
  parallel_.meet("checkpoint");
  since_checkpoint_.lap();
  step_watch_.lap();
}

}  // namespace athanor
