// Python's string operations, with marks. Used by methods and filters.
#pragma once

#include <string_view>
#include <vector>

#include "athanor/token/chat/interp.h"

namespace athanor::chat {

enum class Side : uint8_t { kLeft = 1, kRight = 2, kBoth = 3 };
enum class Case : uint8_t { kUpper, kLower, kTitle, kCapitalize, kSwap, kFold, kWords };  // kWords: |title

// chars null: white space.
Value strip(Interp& interp, const Str& str, const Str* chars, Side side);
// separator null: runs of white space. limit < 0: no limit. from_right: rsplit.
std::vector<Value> split(Interp& interp, const Str& str, const Str* separator, int64_t limit, bool from_right);
std::vector<Value> split_lines(Interp& interp, const Str& str, bool keep_ends);
Value replace(Interp& interp, const Str& str, const Str& from, const Str& to, int64_t limit);
Value change_case(Interp& interp, const Str& str, Case how);
Value make_translation(Interp& interp, const Bind& args);  // maketrans of one, two or three arguments
Value translate(Interp& interp, const Str& str, const Value& table);
Value join(Interp& interp, const Str& separator, const std::vector<Value>& items, bool as_text);
// How many fill characters before and after, to `width` code points.
Value pad(Interp& interp, const Str& str, int64_t before, int64_t after, std::string_view fill);
// Byte offset, or npos; searches bytes [begin, end).
size_t find_in(const Str& str, std::string_view what, size_t begin, size_t end, bool last);

// isalpha and the rest: is_class("isalpha", text).
bool is_class(std::string_view method, std::string_view text);

}  // namespace athanor::chat
