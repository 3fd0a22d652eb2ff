// Writing checkpoints beside training.
#include <ATen/Parallel.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <set>
#include <system_error>

#include "athanor/base/error.h"
#include "athanor/data/containers/safetensors.h"
#include "athanor/run/artifact.h"
#include "athanor/tensor/device/device.h"
#include "athanor/train/checkpoint.h"
#include "athanor/train/checkpoint_files.h"

namespace athanor {

namespace {

void remove_folder(const fs::path& path) {
  std::error_code code;
  fs::remove_all(path, code);
  if (code) {
    throw Error(ErrorKind::kResource, "cannot remove the folder: " + code.message(), path.string());
  }
}

void write_text(const fs::path& path, std::string_view text) {
  FileWriter file(path);
  file.write(text);
  file.sync();
  file.close();
}

// A copy of tensors in one piece of memory.
struct TensorCopy {
  std::unique_ptr<uint8_t[]> bytes;
  std::vector<TensorView> views;

  explicit TensorCopy(const NamedTensors& tensors) {
    size_t total = 0;
    for (const auto& [name, tensor] : tensors) {
      total += tensor.nbytes();
    }
    bytes = std::make_unique_for_overwrite<uint8_t[]>(total);
    size_t used = 0;
    std::vector<Piece> pieces;
    for (const auto& [name, tensor] : tensors) {
      if (tensor.is_cpu()) {
        for (size_t begin = 0; begin < tensor.nbytes(); begin += kPieceBytes) {
          pieces.push_back({static_cast<const char*>(tensor.const_data_ptr()) + begin, bytes.get() + used + begin,
                            std::min(kPieceBytes, tensor.nbytes() - begin)});
        }
      } else {
        copy_bytes_out(tensor, bytes.get() + used);
      }
      views.push_back({name, tensor.scalar_type() == at::kBFloat16 ? "BF16" : "F32", tensor.sizes().vec(), {bytes.get() + used, tensor.nbytes()}});
      used += tensor.nbytes();
    }
    // Training waits for this copy, most of which is the kernel giving memory: all threads take part.
    at::parallel_for(0, static_cast<int64_t>(pieces.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        std::memcpy(pieces[i].to, pieces[i].from, pieces[i].count);
      }
    });
  }

 private:
  static constexpr size_t kPieceBytes = size_t{4} << 20;
  struct Piece {
    const void* from;
    void* to;
    size_t count;
  };
};

}  // namespace

struct CheckpointWriter::Snapshot {
  int64_t step;
  TensorCopy model;
  TensorCopy optimizer;
  std::string trainer;
};

CheckpointWriter::CheckpointWriter(fs::path state_dir, const KeepCheckpoints& keep, std::optional<int64_t> resumed_step)
    : state_dir_(std::move(state_dir)), keep_(keep) {
  make_dirs(state_dir_);
  last_step_ = resumed_step.value_or(-1);
  std::vector<fs::path> stale;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(state_dir_, code)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(kCheckpointPrefix) && name.ends_with(".tmp")) {
      stale.push_back(entry.path());
    }
  }
  for (const fs::path& path : stale) {
    remove_folder(path);
  }
  remove_after(last_step_);
}

CheckpointWriter::~CheckpointWriter() {
  if (thread_.joinable()) {
    thread_.join();
  }
}

void CheckpointWriter::save(int64_t step, const NamedTensors& model, const NamedTensors& optimizer,
                            nlohmann::json trainer) {
  wait();
  auto snapshot = std::make_shared<Snapshot>(
      Snapshot{step, TensorCopy(model), TensorCopy(optimizer), trainer.dump(1) + "\n"});
  last_step_ = step;
  const auto write_and_prune = [this, snapshot] {
    try {
      write(*snapshot);
      prune();
    } catch (...) {
      error_ = std::current_exception();
      failed_ = true;
    }
  };
  try {
    thread_ = std::thread([write_and_prune] {
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);  // Linux: this thread alone; training goes first
      write_and_prune();
    });
  } catch (const std::system_error&) {  // no room for its stack, or too many threads: training waits
    write_and_prune();
  }
}

void CheckpointWriter::remove_after(int64_t step) {
  wait();
  for (const fs::path& path : list_checkpoints(state_dir_)) {
    if (checkpoint_step(path).value() > step) {
      remove_folder(path);
    }
  }
}

void CheckpointWriter::poll() {
  if (failed_) {
    wait();
  }
}

void CheckpointWriter::wait() {
  if (thread_.joinable()) {
    thread_.join();
  }
  if (failed_.exchange(false)) {
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

void CheckpointWriter::write(const Snapshot& snapshot) {
  const fs::path final_path = state_dir_ / checkpoint_name(snapshot.step);
  const fs::path temporary = final_path.string() + ".tmp";
  remove_folder(temporary);
  make_dirs(temporary);
  try {
    const std::array<SafetensorsContent, 2> files = {
        SafetensorsContent{temporary / kModelName, snapshot.model.views, {{"format", "pt"}}},
        SafetensorsContent{temporary / kOptimizerName, snapshot.optimizer.views, {}}};
    const std::vector<std::string> digests = write_safetensors_hashed(files);
    write_text(temporary / kTrainerName, snapshot.trainer);
    write_manifest(temporary, {{kModelName, digests[0]}, {kOptimizerName, digests[1]}});
    fsync_tree(temporary);
  } catch (const Error& error) {
    std::error_code code;
    fs::remove_all(temporary, code);  // gives a full disk its space back; the error is what matters
    throw Error(error.kind(), "the checkpoint of step " + std::to_string(snapshot.step) + " could not be written: " +
                                  error.message(),
                error.where(),
                "free some space and run the same command again: it goes on from the last good checkpoint");
  }
  remove_folder(final_path);
  std::error_code code;
  fs::rename(temporary, final_path, code);
  if (code) {
    throw Error(ErrorKind::kResource, "cannot rename the checkpoint: " + code.message(), final_path.string());
  }
  fsync_path(state_dir_);
}

void CheckpointWriter::prune() {
  const std::vector<fs::path> paths = list_checkpoints(state_dir_);
  std::set<fs::path> kept(paths.end() - std::min<int64_t>(keep_.last, static_cast<int64_t>(paths.size())),
                          paths.end());
  const auto last = std::find_if(paths.rbegin(), paths.rend(), [&](const fs::path& path) {
    return keep_.multiple > 0 && checkpoint_step(path).value() % keep_.multiple == 0;
  });
  if (last != paths.rend()) {
    kept.insert(*last);
  }
  if (keep_.best) {
    double best = 0;
    fs::path best_path;
    for (const fs::path& path : paths) {
      const auto metric = checkpoint_metric(path);
      if (metric && (best_path.empty() || *metric < best)) {
        best = *metric;
        best_path = path;
      }
    }
    kept.insert(best_path);
  }
  for (const fs::path& path : paths) {
    if (!kept.contains(path)) {
      remove_folder(path);
    }
  }
}

}  // namespace athanor
