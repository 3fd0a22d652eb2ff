#include "athanor/feature/inputs.h"

#include <charconv>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/text.h"

namespace athanor {

namespace {

constexpr InputKind kKinds[] = {InputKind::kText, InputKind::kTable, InputKind::kSeries, InputKind::kImage};

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::unique_ptr<Inputs> make(InputKind kind, const InputOptions& options, const nlohmann::json* learnt,
                             const Tokenizer* tokenizer) {
  switch (kind) {
    case InputKind::kText:
      return make_text_inputs(options, tokenizer);
    case InputKind::kTable:
      return make_table_inputs(options, learnt);
    case InputKind::kSeries:
      return make_series_inputs(options, learnt);
    case InputKind::kImage:
      return make_image_inputs(options, learnt);
  }
  return nullptr;
}

}  // namespace

const char* name_of(InputKind kind) {
  switch (kind) {
    case InputKind::kText:
      return "text";
    case InputKind::kTable:
      return "table";
    case InputKind::kSeries:
      return "series";
    case InputKind::kImage:
      return "image";
  }
  return "";
}

std::unique_ptr<Inputs> make_inputs(InputKind kind, const InputOptions& options, const Tokenizer* tokenizer) {
  return make(kind, options, nullptr, tokenizer);
}

std::unique_ptr<Inputs> load_inputs(const nlohmann::json& json, const Tokenizer* tokenizer, const std::string& where) {
  try {
    const std::string name = json.at("kind").get<std::string>();
    for (const InputKind kind : kKinds) {
      if (name == name_of(kind)) {
        return make(kind, load_options<InputOptions>(json.at("options")), &json, tokenizer);
      }
    }
    throw Error(ErrorKind::kInput, "the input kind '" + name + "' is not known", where);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, std::string("the description of the inputs is damaged: ") + error.what(), where);
  }
}

bool parse_cell(std::string_view cell, double& value) {
  cell = trimmed(cell);
  if (!cell.empty() && cell.front() == '+') {
    cell.remove_prefix(1);
  }
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return error == std::errc() && end == cell.data() + cell.size() && std::isfinite(value);
}

bool is_missing_cell(std::string_view cell) {
  cell = trimmed(cell);
  for (const char* name : {"", "?", "NA", "N/A", "NaN", "nan", "null", "None"}) {
    if (cell == name) {
      return true;
    }
  }
  return false;
}

}  // namespace athanor
