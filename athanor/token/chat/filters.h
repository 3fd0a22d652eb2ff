// How the filters of filters_*.cc are called.
#pragma once

#include <string_view>
#include <vector>

#include "athanor/token/chat/str_ops.h"

namespace athanor::chat {

using FilterFunction = Value (*)(Interp&, const Value& subject, const Bind& args);
using FreeFilter = Value (*)(Interp&, const Value& subject, const Args& args);

struct Filter {
  std::string_view name;
  FilterFunction run;
  std::vector<std::string_view> parameters = {};
  size_t required = 0;
  FreeFilter run_free = nullptr;  // takes arguments as they come
};

std::vector<Filter> text_filters();
std::vector<Filter> list_filters();
std::vector<Filter> sort_filters();
std::vector<Filter> number_filters();
std::vector<Filter> wrap_filters();
std::vector<Filter> html_filters();
std::vector<Filter> url_filters();
std::vector<Filter> pretty_filters();

int64_t int_argument(const Value& value, int64_t otherwise, const char* what);
bool flag_argument(const Value& value);
// The string, or what jinja2's soft_str makes of another value.
const Str& soft_str(Interp& interp, const Value& value);
// A sort key: strings in lower case unless case counts.
Value fold_case(Interp& interp, const Value& value, bool case_sensitive);

}  // namespace athanor::chat
