// A stored model of trees: a u32 length, saved.json of that length, then arrays.safetensors. Loads
// or says why not; what loads predicts, explains, tells and draws.
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "athanor/base/error.h"
#include "athanor/classic/models/model.h"
#include "athanor/classic/trees/shap.h"
#include "athanor/classic/trees/tree_text.h"

namespace {

using namespace athanor;

void put(const fs::path& path, const uint8_t* data, size_t size) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
}

void use(const ClassicModel& model, ThreadPool& pool) {
  const auto* trees = dynamic_cast<const TreeModel*>(&model);
  if (trees == nullptr || trees->trees().columns > 4096 || trees->trees().outputs() > 64 ||
      trees->trees().trees() == 0) {
    return;
  }
  Matrix x = Matrix::dense(3, trees->trees().columns);
  for (uint64_t c = 0; c < x.columns; ++c) {
    x.at(1, c) = std::nan("");
    x.at(2, c) = static_cast<double>(c) - 1.5;
  }
  model.predict(x, pool);
  model.description({});
  tree_svg(trees->trees(), 0, {}, {}, {.title = "t", .max_depth = 3});
  tree_text(trees->trees(), 0, {}, {}, 6);
  if (trees->trees().nodes.size() < 2000) {
    tree_contributions(*trees, x, pool);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint32_t length = 0;
  if (size < sizeof length) {
    return 0;
  }
  std::memcpy(&length, data, sizeof length);
  const size_t json = std::min<size_t>(length, size - sizeof length);
  static const fs::path dir = [] {
    const fs::path path =
        fs::temp_directory_path() / ("athanor-tree-fuzz-" + std::to_string(::getpid()));
    fs::create_directories(path);
    return path;
  }();
  static ThreadPool pool(1);
  put(dir / "saved.json", data + sizeof length, json);
  put(dir / "arrays.safetensors", data + sizeof length + json, size - sizeof length - json);
  try {
    const auto model = load_model(SavedReader::open(dir));
    use(*model, pool);
  } catch (const Error&) {
  }
  return 0;
}
