// The names that the language comes with. Ids are indices of the tables in filters.cc, tests.cc, methods.cc and
// functions.cc; -1 is "no such name".
#pragma once

#include <cstdint>
#include <string_view>

#include "athanor/token/chat/value.h"

namespace athanor::chat {

int find_filter(std::string_view name);
int find_test(std::string_view name);
int find_function(std::string_view name);  // globals: range, dict, namespace, raise_exception, ...
std::string_view function_name(int id);

// Methods of str, list, tuple and dict share one table: the id of a name, then whether a kind has it.
int find_method(std::string_view name);
std::string_view method_name(int id);
bool has_method(Kind kind, int id);
bool is_mutating(Kind kind, int id);  // list.append and the like: the sandbox hides them

}  // namespace athanor::chat
