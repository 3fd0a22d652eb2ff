#include "athanor/base/error.h"
#include "athanor/stage/net_folder.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxConfigBytes = uint64_t{256} << 20;

}  // namespace

NetFolder NetFolder::open(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  if (!is_net_folder(folder)) {
    throw Error(ErrorKind::kInput, "holds no network that finetune made", folder.string());
  }
  NetFolder made;
  made.folder = folder;
  made.config = net_config_of(nlohmann::json::parse(read_file(path, kMaxConfigBytes)), path.string());
  if (made.config.inputs.value("kind", "") == "text") {
    made.tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(folder));
  }
  made.inputs = load_inputs(made.config.inputs, made.tokenizer.get(), path.string());
  made.config.shape = made.inputs->shape();
  return made;
}

}  // namespace athanor
