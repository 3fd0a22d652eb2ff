// features: documents -> documents with feature columns. The pipeline is fitted on the role `train` where it is given (else on
// the documents), and stored beside the columns.
#include <algorithm>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
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

std::vector<Column> as_columns(const Matrix& x, const Documents& documents, const std::vector<uint64_t>& rows,
                               const FeaturesOptions& options) {
  std::vector<Column> columns;
  if (options.form == "libsvm") {
    std::vector<std::string> texts(documents.num_rows());
    for (uint64_t r = 0; r < x.rows; ++r) {
      x.for_each_in_row(r, [&](uint32_t column, double value) {
        if (value != 0) {
          std::string& text = texts[rows[r]];
          text += (text.empty() ? "" : " ") + std::to_string(column + 1) + ":" + nlohmann::json(value).dump();
        }
      });
    }
    columns.push_back({options.as, std::move(texts)});
    return columns;
  }
  if (x.columns > kMostColumns) {
    throw Error(ErrorKind::kUsage, grouped_integer(static_cast<int64_t>(x.columns)) + " features as a column each", "features.form",
                "form: libsvm, or fewer of them: reduce: [{truncated_svd: {components: 100}}]");
  }
  const Matrix dense = to_dense(x);
  std::map<std::string, int> used;
  for (uint64_t c = 0; c < dense.columns; ++c) {
    std::vector<double> values(documents.num_rows(), 0.0);
    for (uint64_t r = 0; r < dense.rows; ++r) {
      values[rows[r]] = dense.at(r, c);
    }
    columns.push_back({column_name(options.as, dense.name_of(c), used), std::move(values)});
  }
  return columns;
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
  pipeline.fit(rows.table, rows.target.rows() > 0 ? &rows.target : nullptr, fit);

  context.progress.update(0.6, "computing features");
  TableNotes more;
  const Table all = read_table(documents, schema, more);
  const Matrix x = pipeline.apply(all, pool);
  std::vector<uint64_t> places;
  for (uint64_t row = 0; row < documents.num_rows(); ++row) {
    if (documents.keep()[row]) {
      places.push_back(row);
    }
  }
  context.progress.update(0.9, "writing columns");
  const std::vector<Column> columns = as_columns(x, documents, places, options);
  write_filtered(context.run.out_tmp(), documents, {}, columns);
  make_dirs(context.run.out_tmp() / "pipeline");
  SavedWriter saved;
  saved.json()["kind"] = "features";
  saved.json()["table"] = schema.to_json();
  pipeline.save(saved.part("features"));
  saved.write(context.run.out_tmp() / "pipeline");
  context.run.events().emit("counts", {{"in", documents.num_documents()}, {"out", documents.num_documents()}});
  return {{"documents", documents.num_documents()},
          {"text_bytes", documents.text_bytes()},
          {"features", x.columns},
          {"pipeline", pipeline.description()},
          {"warnings", warnings},
          {"summary", grouped_integer(static_cast<int64_t>(documents.num_documents())) + " rows got " +
                          grouped_integer(static_cast<int64_t>(x.columns)) + " features"}};
}

}  // namespace

Verb features_verb() {
  Verb verb;
  verb.name = "features";
  verb.summary = "columns of numbers from the fields, texts and images of rows: encoded, scaled, selected, reduced";
  verb.roles = {{"documents", ArtifactKind::kDocuments, true, "rows that get features"},
                {"train", ArtifactKind::kDocuments, false, "rows to learn them from; the documents themselves when absent"}};
  verb.output = ArtifactKind::kDocuments;
  verb.revision = 3;
  verb.schema = schema_of<FeaturesOptions>();
  verb.prepare = prepare_features;
  verb.notes = fit_notes;
  verb.execute = execute_features;
  verb.example = "athanor features from=collect-1a2b3c4d 'features=[{columns: text, encode: tfidf}]' form=libsvm";
  return verb;
}

}  // namespace athanor
