#include "athanor/token/chat/filters.h"

#include <algorithm>
#include <vector>

namespace athanor::chat {
namespace {

const std::vector<Filter>& all() {
  static const std::vector<Filter> filters = [] {
    std::vector<Filter> list;
    for (const auto& part : {text_filters(), list_filters(), sort_filters(), number_filters(), wrap_filters(),
                             html_filters(), url_filters(), pretty_filters()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    std::sort(list.begin(), list.end(), [](const Filter& a, const Filter& b) { return a.name < b.name; });
    return list;
  }();
  return filters;
}

}  // namespace

int64_t int_argument(const Value& value, int64_t otherwise, const char* what) {
  if (value.is(Kind::kMissing)) {
    return otherwise;
  }
  if (!value.is_integral()) {
    Interp::fail(std::string(what) + " needs an integer, not a " + type_name(value));
  }
  return value.to_integer();
}

bool flag_argument(const Value& value) { return is_true(value); }

const Str& soft_str(Interp& interp, const Value& value) { return *interp.to_str(value); }

Value fold_case(Interp& interp, const Value& value, bool case_sensitive) {
  return value.is_str() && !case_sensitive ? change_case(interp, *value.str, Case::kLower) : value;
}

int find_filter(std::string_view name) {
  const auto found = std::lower_bound(all().begin(), all().end(), name,
                                      [](const Filter& filter, std::string_view n) { return filter.name < n; });
  return found != all().end() && found->name == name ? static_cast<int>(found - all().begin()) : -1;
}

Value Interp::call_filter(int id, const Value& subject, const Args& args) {
  const Deeper deeper(*this);
  const Filter& filter = all()[static_cast<size_t>(id)];
  if (filter.run_free != nullptr) {
    return filter.run_free(*this, subject, args);
  }
  return filter.run(*this, subject, bind(filter.name.data(), args, filter.parameters.data(), filter.parameters.size(), filter.required));
}

}  // namespace athanor::chat
