#include "athanor/classic/estimator.h"

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr int kSchema = 1;
constexpr char kInfoFile[] = "estimator.json";
constexpr char kTokenizerFile[] = "tokenizer.json";

class FastTextEstimator : public Estimator {
 public:
  FastTextEstimator(FastText model, TextTokens tokens) : model_(std::move(model)), tokens_(std::move(tokens)) {}

  std::string kind() const override { return "fasttext"; }
  nlohmann::json description() const override {
    return {{"kind", kind()}, {"tokens", tokens_.name()}, {"labels", model_.labels()}, {"dim", model_.dim()}};
  }
  void predict(std::span<const std::string_view> texts, EstimatorColumns& out) const override {
    out = {};
    std::string scratch;
    std::vector<FastText::Score> found;
    for (const std::string_view text : texts) {
      model_.predict(tokens_.cut(text, scratch), 1, 0, found);
      out.label.push_back(found.empty() ? "" : model_.labels()[static_cast<size_t>(found[0].label)]);
      out.score.push_back(found.empty() ? 0.0 : std::min(1.0, static_cast<double>(found[0].probability)));
    }
  }

 private:
  FastText model_;
  TextTokens tokens_;
};

class NgramEstimator : public Estimator {
 public:
  NgramEstimator(NgramModel model, TextTokens tokens) : model_(std::move(model)), tokens_(std::move(tokens)) {}

  std::string kind() const override { return "ngram"; }
  nlohmann::json description() const override {
    nlohmann::json sizes = nlohmann::json::array();
    for (int n = 1; n <= model_.order(); ++n) {
      sizes.push_back(model_.size(n));
    }
    return {{"kind", kind()}, {"tokens", tokens_.name()}, {"order", model_.order()}, {"ngrams", sizes}};
  }
  void predict(std::span<const std::string_view> texts, EstimatorColumns& out) const override {
    out = {};
    for (const std::string_view text : texts) {
      const NgramScore score = model_.score(text, tokens_);
      out.perplexity.push_back(score.perplexity());
      out.log10_p.push_back(score.log10_p);
    }
  }

 private:
  NgramModel model_;
  TextTokens tokens_;
};

std::unique_ptr<Estimator> open_file(const fs::path& file, const TextTokens& tokens) {
  const std::string extension = file.extension().string();
  if (extension == ".bin" || extension == ".ftz") {
    return std::make_unique<FastTextEstimator>(FastText::open(file), tokens);
  }
  if (extension == ".ngram") {
    return std::make_unique<NgramEstimator>(NgramModel::open(file), tokens);
  }
  if (extension == ".arpa" || file.stem().extension() == ".arpa") {
    return std::make_unique<NgramEstimator>(NgramModel::from_tables(read_arpa(file)), tokens);
  }
  throw Error(ErrorKind::kInput, "no kind of estimator ends in '" + extension + "'", file.string(),
              "a folder that fit made, or a .bin, .ftz, .arpa, .arpa.gz or .ngram file");
}

TextTokens tokens_of(const nlohmann::json& info, const fs::path& dir) {
  const std::string name = info.value("tokens", "words");
  if (name == "tokenizer") {
    return TextTokens(std::make_shared<const Tokenizer>(Tokenizer::load(dir / kTokenizerFile)));
  }
  return TextTokens(text_cut(name, (dir / kInfoFile).string()), info.value("lowercase", false));
}

void write_info(const fs::path& dir, const std::string& kind, const std::string& file, const EstimatorInfo& info) {
  nlohmann::json json{{"schema", kSchema},
                      {"kind", kind},
                      {"file", file},
                      {"tokens", info.tokens.name()},
                      {"lowercase", info.tokens.lowercase()},
                      {"options", info.options},
                      {"trained_on", info.trained_on}};
  if (info.tokens.tokenizer() != nullptr) {
    write_file_atomic(dir / kTokenizerFile, info.tokens.tokenizer()->to_json());
  }
  write_file_atomic(dir / kInfoFile, json.dump(1) + "\n");
}

}  // namespace

EstimatorFile find_estimator(const fs::path& path) {
  std::error_code code;
  const bool folder = fs::is_directory(path, code);
  const fs::path dir = folder ? path : path.parent_path();
  const fs::path info_path = dir / kInfoFile;
  if (!folder && !fs::exists(info_path, code)) {
    return {path, "", TextTokens()};
  }
  const auto bad = [&](const std::string& what) {
    return Error(ErrorKind::kInput, what, info_path.string(), "fit the estimator again");
  };
  const auto info = nlohmann::json::parse(read_file(info_path, 1 << 24), nullptr, false);
  try {
    if (!info.is_object() || info.at("schema").get<int>() > kSchema || info.at("schema").get<int>() < 1) {
      throw bad("not an estimator.json of schema 1");
    }
    const fs::path file = info.at("file").get<std::string>();
    if (file.has_parent_path() || file.empty()) {
      throw bad("the model's file does not lie beside estimator.json");
    }
    if (!folder && path.stem() != file.stem()) {
      return {path, "", TextTokens()};  // another model that lies in the same folder
    }
    return {folder ? dir / file : path, info.at("kind").get<std::string>(), tokens_of(info, dir)};
  } catch (const nlohmann::json::exception& error) {
    throw bad(std::string("a field is missing or has the wrong type: ") + error.what());
  }
}

void check_estimator_schema(const fs::path& dir) {
  const fs::path path = dir / kInfoFile;
  std::error_code code;
  if (!fs::exists(path, code)) {
    return;
  }
  const auto info = nlohmann::json::parse(read_file(path, uint64_t{1} << 28), nullptr, false);
  const bool versioned = info.is_object() && info.contains("schema") && info["schema"].is_number_integer();
  if (!versioned || info["schema"].get<int64_t>() < 1) {
    throw Error(ErrorKind::kInput, "not an estimator.json: no JSON object with a schema", path.string(),
                "fit the estimator again");
  }
  if (info["schema"].get<int64_t>() > kSchema) {
    throw Error(ErrorKind::kInput, "written by a newer Athanor (schema " + info["schema"].dump() + ")", path.string(),
                "this program reads schema " + std::to_string(kSchema));
  }
}

std::vector<fs::path> files_beside(const fs::path& path) {
  std::vector<fs::path> found;
  std::error_code code;
  if (!fs::is_directory(path, code)) {
    for (const char* name : {kInfoFile, kTokenizerFile}) {
      if (fs::exists(path.parent_path() / name, code)) {
        found.push_back(path.parent_path() / name);
      }
    }
  }
  return found;
}

std::unique_ptr<Estimator> open_estimator(const fs::path& folder_or_file) {
  std::error_code code;
  if (!fs::is_directory(folder_or_file, code)) {
    return open_file(folder_or_file, TextTokens());  // a bare file: its caller cuts
  }
  const EstimatorFile found = find_estimator(folder_or_file);
  auto estimator = open_file(found.file, found.tokens);
  if (!found.kind.empty() && estimator->kind() != found.kind) {
    throw Error(ErrorKind::kInput, "kind and file do not agree", (found.file.parent_path() / kInfoFile).string(),
                "fit the estimator again");
  }
  return estimator;
}

void save_estimator(const fs::path& dir, const FastTextModel& model, const EstimatorInfo& info) {
  const std::string file = model.input.quantised ? "model.ftz" : "model.bin";
  model.write(dir / file);
  write_info(dir, "fasttext", file, info);
}

void save_estimator(const fs::path& dir, const NgramTables& tables, bool quantise, bool with_arpa,
                    const EstimatorInfo& info) {
  NgramModel::write(tables, dir / "model.ngram", {.quantise = quantise});
  if (with_arpa) {
    tables.write_arpa(dir / "model.arpa");
  }
  write_info(dir, "ngram", "model.ngram", info);
}

}  // namespace athanor
