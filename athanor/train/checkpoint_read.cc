// Finding, verifying and loading checkpoints.
#include <algorithm>
#include <charconv>

#include "athanor/base/error.h"
#include "athanor/data/containers/safetensors.h"
#include "athanor/run/artifact.h"
#include "athanor/tensor/device/device.h"
#include "athanor/train/checkpoint.h"
#include "athanor/train/checkpoint_files.h"

namespace athanor {

std::optional<int64_t> checkpoint_step(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::string_view prefix = kCheckpointPrefix;
  if (!name.starts_with(prefix) || name.size() < prefix.size() + 8) {
    return std::nullopt;
  }
  int64_t step = 0;
  const char* end = name.data() + name.size();
  const auto [rest, code] = std::from_chars(name.data() + prefix.size(), end, step);
  if (code != std::errc() || rest != end || step < 0) {
    return std::nullopt;
  }
  return step;
}

std::string checkpoint_name(int64_t step) {
  std::string digits = std::to_string(step);
  return kCheckpointPrefix + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

std::vector<fs::path> list_checkpoints(const fs::path& state_dir) {
  std::vector<std::pair<int64_t, fs::path>> found;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(state_dir, code)) {
    if (const auto step = checkpoint_step(entry.path()); step && entry.is_directory(code)) {
      found.emplace_back(*step, entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> paths;
  for (auto& [step, path] : found) {
    paths.push_back(std::move(path));
  }
  return paths;
}

namespace {

constexpr uint64_t kMaxTrainerBytes = 1 << 24;

// Throws Error(kInput) that says what does not verify.
void verify(const fs::path& checkpoint) {
  const std::vector<ManifestEntry> entries = read_manifest(checkpoint);
  for (const char* needed : {kModelName, kOptimizerName, kTrainerName}) {
    if (std::none_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.path == needed; })) {
      throw Error(ErrorKind::kInput, std::string("does not list ") + needed, (checkpoint / "MANIFEST").string());
    }
  }
  if (const std::string difference = verify_manifest(checkpoint); !difference.empty()) {
    throw Error(ErrorKind::kInput, difference, checkpoint.string());
  }
}

ResumePoint read_point(const fs::path& checkpoint) {
  ResumePoint point;
  point.path = checkpoint;
  const fs::path trainer = checkpoint / kTrainerName;
  try {
    point.trainer = nlohmann::json::parse(read_file(trainer, kMaxTrainerBytes));
    point.step = point.trainer.at("step").get<int64_t>();
    point.event_position = point.trainer.at("event_position").get<uint64_t>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kInput, "is not a trainer.json of this program", trainer.string());
  }
  if (checkpoint_step(checkpoint) != point.step) {
    throw Error(ErrorKind::kInput, "is of another step than its folder says", trainer.string());
  }
  return point;
}

int64_t best_step(const ResumePoint& point) {
  try {
    return point.trainer.at("best").at("step").get<int64_t>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kInput, "is not a trainer.json of this program", (point.path / kTrainerName).string());
  }
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace

std::optional<ResumePoint> find_checkpoint(const fs::path& state_dir, int64_t step, std::vector<std::string>* warnings) {
  const fs::path path = state_dir / checkpoint_name(step);
  try {
    verify(path);
    return read_point(path);
  } catch (const Error& error) {
    if (warnings != nullptr) {
      warnings->push_back("checkpoint " + path.filename().string() + " is not used: " + error.where() + " " + error.message());
    }
  }
  return std::nullopt;
}

std::optional<ResumePoint> find_resume_point(const fs::path& state_dir, bool best_counts, std::vector<std::string>* warnings) {
  std::vector<fs::path> paths = list_checkpoints(state_dir);
  while (!paths.empty()) {
    const auto point = find_checkpoint(state_dir, checkpoint_step(paths.back()).value(), warnings);
    paths.pop_back();
    const int64_t best = best_counts && point && point->trainer.contains("best") ? best_step(*point) : -1;
    if (point && (best < 0 || best == point->step || find_checkpoint(state_dir, best, warnings))) {
      return point;
    }
    if (point) {  // what comes before the best validation makes it again
      std::erase_if(paths, [&](const fs::path& path) { return checkpoint_step(path).value() >= best; });
    }
  }
  return std::nullopt;
}

std::optional<double> checkpoint_metric(const fs::path& checkpoint) {
  try {
    const auto trainer = nlohmann::json::parse(read_file(checkpoint / kTrainerName, kMaxTrainerBytes));
    const auto metric = trainer.find("metric");
    return metric != trainer.end() && metric->is_number() ? std::optional(metric->get<double>()) : std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;  // unreadable: it cannot be the best one
  }
}

void load_tensors(const fs::path& path, const NamedTensors& into) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  if (file.tensors().size() != into.size()) {
    throw Error(ErrorKind::kInput,
                "holds " + std::to_string(file.tensors().size()) + " tensors, the model needs " +
                    std::to_string(into.size()),
                path.string());
  }
  for (const auto& [name, tensor] : into) {
    const auto* view = file.find(name);
    if (view == nullptr) {
      throw Error(ErrorKind::kInput, "has no tensor '" + name + "'", path.string());
    }
    const char* const wanted = tensor.scalar_type() == at::kBFloat16 ? "BF16" : "F32";
    if (view->dtype != wanted || at::IntArrayRef(view->shape) != tensor.sizes()) {
      throw Error(ErrorKind::kInput,
                  "tensor '" + name + "' is " + view->dtype + " " + shape_text(view->shape) + ", wanted " + wanted + " " +
                      shape_text(tensor.sizes()),
                  path.string());
    }
    copy_bytes_in(view->bytes.data(), tensor);
  }
}

}  // namespace athanor
