// Where a text may be cut so that its parts, encoded apart, give the ids of the whole: for the families of
// window_scan.h, which all end a piece before a space between two ASCII letters and after a line end that a letter
// follows. Neither letter joins with anything before it in NFC.
#pragma once

#include <string_view>
#include <vector>

#include "athanor/token/split/split.h"

namespace athanor::token {

// Whether scan is one of these families.
bool has_safe_cuts(Scan scan);

// Parts of about part_bytes that make up text; one alone where no place to cut was found.
std::vector<std::string_view> cut_safely(std::string_view text, size_t part_bytes);

}  // namespace athanor::token
