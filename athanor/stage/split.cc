// split: documents -> documents/{train,valid,test}.
#include "athanor/data/split.h"

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/data/documents.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

struct SplitRecipe {
  double valid = 0.05;
  double test = 0.05;
  std::string by = "hash";
  std::string group = "cluster_id";
  int64_t seed = 1;
  static void fields(Fields<SplitRecipe>& f) {
    f.add("valid", &SplitRecipe::valid, "share for validation").range(0, 1);
    f.add("test", &SplitRecipe::test, "share for the final test").range(0, 1);
    f.add("by", &SplitRecipe::by, "hash: of each document; tail: the end of the text, in order (cuts documents)")
        .choices({"hash", "tail"});
    f.add("group", &SplitRecipe::group, "column whose equal values stay together, where the documents have it");
    f.add("seed", &SplitRecipe::seed, "of the hash").range(0, 9e15);
  }
};

void prepare_split(nlohmann::json& resolved) {
  const auto recipe = load_options<SplitRecipe>(resolved);
  if (recipe.valid + recipe.test >= 1) {
    throw Error(ErrorKind::kUsage, "valid and test take everything: nothing is left to train on");
  }
}

struct PartCount {
  uint64_t documents = 0;
  uint64_t bytes = 0;
};

std::vector<PartCount> split_by_hash(const SplitRecipe& recipe, const Documents& input, const fs::path& out,
                                     std::span<const char* const> names) {
  const std::vector<std::string> ids = input.ids();
  std::vector<std::string> groups;
  if (!recipe.group.empty() && input.has_column(recipe.group)) {
    groups = input.string_column(recipe.group);
  }
  const SplitFractions fractions{1 - recipe.valid - recipe.test, recipe.valid, recipe.test};
  const std::vector<Part> parts = assign_split(ids, fractions, static_cast<uint64_t>(recipe.seed), groups);
  std::vector<uint64_t> rows;  // of the kept documents
  for (uint64_t row = 0; row < input.num_rows(); ++row) {
    if (input.keep()[row]) {
      rows.push_back(row);
    }
  }
  std::vector<PartCount> counts;
  for (size_t part = 0; part < names.size(); ++part) {
    std::vector<bool> keep(input.num_rows(), false);
    for (size_t i = 0; i < rows.size(); ++i) {
      keep[rows[i]] = static_cast<size_t>(parts[i]) == part;
    }
    write_filtered(out / names[part], input, keep, {});
    const Documents written = Documents::open(out / names[part]);
    counts.push_back({written.num_documents(), written.text_bytes()});
  }
  return counts;
}

// The texts in order, cut at two places of the whole: what nanoGPT and others do with one long text.
std::vector<PartCount> split_by_tail(const SplitRecipe& recipe, const Documents& input, const fs::path& out,
                                     std::span<const char* const> names) {
  const double all = static_cast<double>(input.text_bytes());
  const std::vector<uint64_t> ends{static_cast<uint64_t>(all * (1 - recipe.valid - recipe.test)),
                                   static_cast<uint64_t>(all * (1 - recipe.test)), input.text_bytes()};
  std::vector<std::unique_ptr<DocumentWriter>> writers;
  for (const char* name : names) {
    make_dirs(out / name);
    writers.push_back(std::make_unique<DocumentWriter>(out / name));
  }
  uint64_t begin = 0;  // of the document in the whole
  size_t part = 0;
  input.for_each([&](uint64_t, Document&& document) {
    size_t at = 0;
    while (at < document.text.size()) {
      while (part + 1 < names.size() && begin + at >= ends[part]) {
        ++part;
      }
      size_t cut = document.text.size();
      if (part + 1 < names.size()) {
        cut = std::min<size_t>(cut, ends[part] - begin);
      }
      while (cut < document.text.size() && (static_cast<unsigned char>(document.text[cut]) & 0xC0) == 0x80) {
        ++cut;  // never inside a character
      }
      Document piece = document;
      piece.text = document.text.substr(at, cut - at);
      piece.span_begin = document.span_begin + at;
      piece.span_end = document.span_begin + cut;
      piece.id = cut - at == document.text.size() ? document.id : "";
      writers[part]->add(piece);
      at = cut;
    }
    begin += document.text.size();
  });
  std::vector<PartCount> counts;
  for (auto& writer : writers) {
    writer->finish();
    counts.push_back({writer->num_documents(), writer->text_bytes()});
  }
  return counts;
}

nlohmann::json execute_split(StageContext& context) {
  const auto recipe = load_options<SplitRecipe>(context.options);
  const Documents input = Documents::open(context.input("documents").path);
  constexpr const char* kNames[] = {"train", "valid", "test"};
  const auto counts = recipe.by == "tail" ? split_by_tail(recipe, input, context.run.out_tmp(), kNames)
                                          : split_by_hash(recipe, input, context.run.out_tmp(), kNames);
  nlohmann::json parts;
  std::string summary;
  for (size_t i = 0; i < counts.size(); ++i) {
    parts[kNames[i]] = {{"documents", counts[i].documents}, {"text_bytes", counts[i].bytes}};
    summary += (i == 0 ? "" : ", ") + std::string(kNames[i]) + " " +
               grouped_integer(static_cast<int64_t>(counts[i].documents));
  }
  if (counts[0].documents == 0) {
    throw Error(ErrorKind::kInput, "nothing is left to train on: there are only " +
                                       std::to_string(input.num_documents()) + " documents");
  }
  return {{"parts", parts}, {"summary", summary + " documents"}};
}

}  // namespace

Verb split_verb() {
  Verb verb;
  verb.name = "split";
  verb.summary = "part documents into train, valid and test";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "what to part"}};
  verb.output = ArtifactKind::kDocuments;
  verb.parts = {"train", "valid", "test"};
  verb.schema = schema_of<SplitRecipe>();
  verb.prepare = prepare_split;
  verb.execute = execute_split;
  verb.example = "athanor split from=dedup-1a2b3c4d valid=0.02 test=0.02";
  return verb;
}

}  // namespace athanor
