// features: documents -> documents with feature columns. The pipeline is fitted on the role `train` where it is given (else on
// the documents), and stored beside the columns. Rows that it was fitted on get what fitting gave them (of the target encoder
// what the other rows taught), as a model of `fit` sees them; the others what it makes of new rows.
#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/hash.h"
#include "athanor/base/interrupt.h"
#include "athanor/classic/table_estimator.h"
#include "athanor/feature/pipeline.h"
#include "athanor/stage/fit_table.h"
#include "athanor/stage/table_rows.h"
#include "athanor/stage/verb_list.h"

namespace athanor {

namespace {

constexpr uint64_t kMostColumns = 5000;

struct FeaturesOptions {
  nlohmann::json features = nlohmann::json::array();
  nlohmann::json reduce = nlohmann::json::array();
  TableOptions table;
  std::string label_field;
  std::string as = "feature";
  std::string form = "columns";
  int64_t seed = 1;
  int64_t threads = 0;
  static void fields(Fields<FeaturesOptions>& f) {
    f.add("features", &FeaturesOptions::features, "what columns become, as fit.features has it; empty: what each kind usually gets");
    f.add("reduce", &FeaturesOptions::reduce, "transforms over all features");
    f.add("table", &FeaturesOptions::table, "how columns are read");
    f.add("label_field", &FeaturesOptions::label_field, "for what learns from labels (target encoding, selection); left out of the features");
    f.add("as", &FeaturesOptions::as, "columns are AS_<name>; of form libsvm one text column AS");
    f.add("form", &FeaturesOptions::form, "columns: a number each; libsvm: 'index:value' of what is not 0, for thousands of features")
        .choices({"columns", "libsvm"});
    f.add("seed", &FeaturesOptions::seed, "of all that is drawn").range(0, 9e15);
    f.add("threads", &FeaturesOptions::threads, "0: one a core").range(0, 4096).speed();
  }
};

void prepare_features(nlohmann::json& resolved) {
  FeaturePipeline({.features = resolved["features"], .reduce = resolved["reduce"]}, "features");
  const std::string as = resolved.value("as", "");
  if (as.empty() || as.find('.') != std::string::npos) {
    throw Error(ErrorKind::kUsage, "the prefix of columns is empty or holds a dot", "features.as", "for example as: x");
  }
}

// A name that the artifact takes: no dots, none twice.
std::string column_name(const std::string& as, std::string name, std::map<std::string, int>& used) {
  std::replace(name.begin(), name.end(), '.', '_');
  const std::string full = as + "_" + name;
  const int times = ++used[full];
  return times == 1 ? full : full + "_" + std::to_string(times);
}

// Features of some rows, and where these stand in the documents.
struct RowFeatures {
  Matrix x;
  std::vector<uint64_t> rows;
};

std::vector<Column> as_columns(const std::vector<RowFeatures>& parts, const Documents& documents, const FeaturesOptions& options) {
  std::vector<Column> columns;
  if (options.form == "libsvm") {
    std::vector<std::string> texts(documents.num_rows());
    for (const auto& [x, rows] : parts) {
      for (uint64_t r = 0; r < x.rows; ++r) {
        x.for_each_in_row(r, [&](uint32_t column, double value) {
          if (value != 0) {
            std::string& text = texts[rows[r]];
            text += (text.empty() ? "" : " ") + std::to_string(column + 1) + ":" + nlohmann::json(value).dump();
          }
        });
      }
    }
    columns.push_back({options.as, std::move(texts)});
    return columns;
  }
  const uint64_t width = parts[0].x.columns;
  if (width > kMostColumns) {
    throw Error(ErrorKind::kUsage, grouped_integer(static_cast<int64_t>(width)) + " features as a column each", "features.form",
                "form: libsvm, or fewer of them: reduce: [{truncated_svd: {components: 100}}]");
  }
  std::vector<std::vector<double>> values(width, std::vector<double>(documents.num_rows(), 0.0));
  for (const auto& [x, rows] : parts) {
    const Matrix dense = to_dense(x);
    for (uint64_t r = 0; r < dense.rows; ++r) {
      for (uint64_t c = 0; c < width; ++c) {
        values[c][rows[r]] = dense.at(r, c);
      }
    }
  }
  std::map<std::string, int> used;
  for (uint64_t c = 0; c < width; ++c) {
    columns.push_back({column_name(options.as, parts[0].x.name_of(c), used), std::move(values[c])});
  }
  return columns;
}

// What tells a document of one input from another's: its id and all it says.
std::vector<uint64_t> keys_of(const Documents& documents) {
  std::vector<uint64_t> keys;
  documents.for_each([&](uint64_t, Document&& document) {
    check_interrupt();
    keys.push_back(xxh3_64(document.id + '\0' + document.meta + '\0' + document.text));
  });
  return keys;
}

// Features of all kept documents. fitted: of the rows at `places` of `train`, as fitting gave them.
std::vector<RowFeatures> features_of(const Documents& documents, const Documents* train, Matrix fitted,
                                     const std::vector<uint64_t>& places, const FeaturePipeline& pipeline,
                                     const TableSchema& schema, ThreadPool& pool) {
  const std::vector<uint64_t> keys = train != nullptr ? keys_of(documents) : std::vector<uint64_t>();
  const std::vector<uint64_t> learnt_keys = train != nullptr ? keys_of(*train) : keys;
  std::unordered_map<uint64_t, uint64_t> learnt;
  for (uint64_t row = 0; row < places.size(); ++row) {
    learnt.emplace(train != nullptr ? learnt_keys[places[row]] : places[row], row);
  }
  RowFeatures known, fresh;
  std::vector<uint64_t> from_fit, from_documents;
  uint64_t place = 0;
  for (uint64_t row = 0; row < documents.num_rows(); ++row) {
    if (!documents.keep()[row]) {
      continue;
    }
    const auto found = learnt.find(train != nullptr ? keys[place] : place);
    (found != learnt.end() ? known : fresh).rows.push_back(row);
    if (found != learnt.end()) {
      from_fit.push_back(found->second);
    } else {
      from_documents.push_back(place);
    }
    ++place;
  }
  std::vector<RowFeatures> parts;
  if (!known.rows.empty()) {
    known.x = take_rows(fitted, from_fit);
    parts.push_back(std::move(known));
  }
  if (!fresh.rows.empty() || parts.empty()) {
    TableNotes notes;
    fresh.x = pipeline.apply(take_rows(read_table(documents, schema, notes), from_documents), pool);
    parts.push_back(std::move(fresh));
  }
  return parts;
}

nlohmann::json execute_features(StageContext& context) {
  const auto options = load_options<FeaturesOptions>(context.options);
  ThreadPool pool(static_cast<int>(options.threads));
  FitContext fit{.pool = pool, .seed = static_cast<uint64_t>(options.seed)};
  auto warnings = nlohmann::json::array();
  const auto warn = [&](const std::string& what) {
    context.warn(what);
    warnings.push_back(what);
  };
  fit.warn = warn;
  fit.importances = importances_by_model();
  fit.progress = [&](double done) {
    check_interrupt();
    context.progress.update(0.6 * done, "learning features");
  };
  const StageInput* given = context.find("train");
  const Documents documents = Documents::open(context.input("documents").path);
  const Documents train = given != nullptr ? Documents::open(given->path) : documents;
  TableSchema schema;
  TableNotes notes;
  Table table = read_table(train, options.table, schema, notes);
  for (const auto& warning : notes.warnings()) {
    warn(warning);
  }
  TableRows rows;
  if (options.label_field.empty()) {
    rows.table = std::move(table);
    rows.places.resize(rows.table.rows);
    std::iota(rows.places.begin(), rows.places.end(), uint64_t{0});
  } else {
    std::erase_if(table.columns, [&](const TableColumn& column) { return column.name == options.label_field; });
    std::erase_if(schema.columns, [&](const ColumnPlan& column) { return column.name == options.label_field; });
    const auto labels = read_label_lists(train, options.label_field, schema.libsvm);
    RejectLog rejects(context.run.rejected());
    rows = with_target(std::move(table), train, labels, task_of_labels(labels, options.label_field), {}, rejects);
    for (const auto& warning : lost_warnings(rows, options.label_field)) {
      warn(warning);
    }
  }
  FeaturePipeline pipeline({.features = options.features, .reduce = options.reduce}, "features");
  Matrix fitted = pipeline.fit(rows.table, rows.target.rows() > 0 ? &rows.target : nullptr, fit);

  context.progress.update(0.6, "computing features");
  const auto parts = features_of(documents, given != nullptr ? &train : nullptr, std::move(fitted), rows.places, pipeline, schema, pool);
  context.progress.update(0.9, "writing columns");
  write_filtered(context.run.out_tmp(), documents, {}, as_columns(parts, documents, options));
  make_dirs(context.run.out_tmp() / "pipeline");
  SavedWriter saved;
  saved.json()["kind"] = "features";
  saved.json()["table"] = schema.to_json();
  pipeline.save(saved.part("features"));
  saved.write(context.run.out_tmp() / "pipeline");
  context.run.events().emit("counts", {{"in", documents.num_documents()}, {"out", documents.num_documents()}});
  return {{"documents", documents.num_documents()},
          {"text_bytes", documents.text_bytes()},
          {"features", pipeline.num_outputs()},
          {"pipeline", pipeline.description()},
          {"warnings", warnings},
          {"summary", grouped_integer(static_cast<int64_t>(documents.num_documents())) + " rows got " +
                          grouped_integer(static_cast<int64_t>(pipeline.num_outputs())) + " features"}};
}

}  // namespace

Verb features_verb() {
  Verb verb;
  verb.name = "features";
  verb.summary = "columns of numbers from the fields, texts and images of rows: encoded, scaled, selected, reduced";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "rows that get features"},
                {"train", ArtifactKind::kDocuments, false, "rows to learn them from; the documents themselves when absent"}};
  verb.output = ArtifactKind::kDocuments;
  verb.revision = 4;
  verb.schema = schema_of<FeaturesOptions>();
  verb.prepare = prepare_features;
  verb.notes = fit_notes;
  verb.execute = execute_features;
  verb.example = "athanor features from=collect-1a2b3c4d 'features=[{columns: text, encode: tfidf}]' form=libsvm";
  return verb;
}

}  // namespace athanor
