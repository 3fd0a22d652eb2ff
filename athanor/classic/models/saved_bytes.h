// A stored model as one string, for damage: saved.json, a zero byte, arrays.safetensors.
#pragma once

#include <fstream>
#include <string>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/classic/models/model.h"

namespace athanor {

inline std::string stored_bytes(const fs::path& dir) {
  return read_file(dir / "saved.json") + std::string(1, '\0') + read_file(dir / "arrays.safetensors");
}

// Opens the bytes as a model (in `dir`) and predicts: an Error that is not our bug, or finite numbers. False: neither.
inline bool survives_opening(std::string_view bytes, const fs::path& dir) {
  const size_t end = std::min(bytes.find('\0'), bytes.size());
  fs::remove(dir / "saved.json");  // some file systems flush a file that is cut and written again
  fs::remove(dir / "arrays.safetensors");
  std::ofstream(dir / "saved.json", std::ios::binary) << bytes.substr(0, end);
  std::ofstream(dir / "arrays.safetensors", std::ios::binary) << bytes.substr(std::min(end + 1, bytes.size()));
  try {
    const SavedReader in = SavedReader::open(dir);
    const auto model = load_model(in);
    model->description({});
    model->importances(nullptr);
    uint64_t columns = 4;  // what most of the seeds know
    if (in.json().contains("columns") && in.json()["columns"].is_number_unsigned()) {
      columns = std::min<uint64_t>(in.json()["columns"].get<uint64_t>(), 4096);
    }
    ThreadPool pool(1);
    Matrix x = Matrix::dense(5, columns);
    for (size_t i = 0; i < x.values.size(); ++i) {
      x.values[i] = static_cast<double>(i % 7) - (i % 3 == 0 ? 2.5 : 0);
    }
    SparseRows rows;
    rows.offsets = {0, columns > 0 ? 1u : 0u, columns > 0 ? 1u : 0u};
    rows.indices.assign(columns > 0 ? 1 : 0, static_cast<uint32_t>(columns - 1));
    rows.values.assign(columns > 0 ? 1 : 0, 3.0);
    for (const Matrix& each : {x, Matrix::from_sparse(rows, columns)}) {
      for (const double value : model->predict(each, pool).values) {
        if (!(value - value == 0)) {
          return false;
        }
      }
    }
  } catch (const Error& error) {
    return error.kind() != ErrorKind::kInternal;
  }
  return true;
}

}  // namespace athanor
