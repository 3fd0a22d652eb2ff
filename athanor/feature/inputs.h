// From documents to what a network reads. What must be learnt from the training documents (statistics of columns,
// categories, the mean of pixels) is learnt by see() and stored with the model, so that a prediction is made by the
// same numbers.
//
//   auto inputs = make_inputs(InputKind::kTable, options, nullptr);
//   for (document : training) { inputs->see(document); }
//   inputs->finish();
//   if (!inputs->add(document, examples, reason)) { rejected(reason); }
//   inputs->to_json()  ->  load_inputs(json, nullptr)
//
//   text    token ids by a tokenizer
//   table   the fields of meta: numbers standardised, the rest as categories
//   series  the text is a table of numbers in CSV form, a line a step (a first line of names may stand above it)
//   image   meta.image (docs/formats/documents.md), made square, its size and channels as the options say
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/data/documents/document.h"
#include "athanor/feature/examples.h"
#include "athanor/run/fields.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

struct InputOptions {
  int64_t max_length = 512;
  bool lowercase = false;
  std::vector<std::string> columns;
  std::vector<std::string> exclude;
  std::vector<std::string> categorical;
  int64_t max_categories = 1000;
  int64_t image_size = 0;
  int64_t channels = 0;
  static void fields(Fields<InputOptions>& f) {
    f.add("max_length", &InputOptions::max_length, "text: tokens, series: steps; the rest is cut off (series: the oldest)")
        .range(1, 1 << 20);
    f.add("lowercase", &InputOptions::lowercase, "text: lower-case it first");
    f.add("columns", &InputOptions::columns, "table: keys of meta, series: names of the first line; empty: all");
    f.add("exclude", &InputOptions::exclude, "table, series: not these; a table's label is always left out");
    f.add("categorical", &InputOptions::categorical, "table: keys that are categories although they look like numbers");
    f.add("max_categories", &InputOptions::max_categories, "table: the most frequent ones of a column are told apart")
        .range(1, 1e6);
    f.add("image_size", &InputOptions::image_size, "image: height and width in pixels; 0: those of the first image")
        .range(0, 4096);
    f.add("channels", &InputOptions::channels, "image: 1 (grey) or 3 (RGB); 0: those of the first image").range(0, 3);
  }
};

class Inputs {
 public:
  virtual ~Inputs() = default;
  virtual InputShape shape() const = 0;  // after finish()

  virtual void see(const Document& document) = 0;
  // Error(kInput) when the documents hold nothing of this kind.
  virtual void finish() = 0;
  // Appends the document; false with a short reason, and nothing appended, when it is of no use.
  virtual bool add(const Document& document, Examples& out, std::string& reason) const = 0;

  // Options and statistics; without the tokenizer.
  virtual nlohmann::json to_json() const = 0;
};

// tokenizer: for text only, outlives the object.
std::unique_ptr<Inputs> make_inputs(InputKind kind, const InputOptions& options, const Tokenizer* tokenizer);
// The reverse of to_json(). Error(kInput) with `where` for anything else.
std::unique_ptr<Inputs> load_inputs(const nlohmann::json& json, const Tokenizer* tokenizer, const std::string& where);

// One a kind, in a file each.
std::unique_ptr<Inputs> make_text_inputs(const InputOptions& options, const Tokenizer* tokenizer);
std::unique_ptr<Inputs> make_table_inputs(const InputOptions& options, const nlohmann::json* learnt);
std::unique_ptr<Inputs> make_series_inputs(const InputOptions& options, const nlohmann::json* learnt);
std::unique_ptr<Inputs> make_image_inputs(const InputOptions& options, const nlohmann::json* learnt);

// A number as tables write it, blanks around it left out; false for anything else (nan and inf too).
bool parse_cell(std::string_view cell, double& value);
// "", ?, NA, N/A, NaN, null, None, blanks around them left out.
bool is_missing_cell(std::string_view cell);

}  // namespace athanor
