// From the runs that are left to text. Private to this folder.
#pragma once

#include <string>

#include "athanor/data/html/page.h"

namespace athanor::html {

// A blank line between paragraphs, one newline between items of a list ("- " before each), rows of a table
// (cells parted by a tab) and lines of code, whose blanks are kept. Elsewhere white space is one blank.
void render(const Page& page, std::string& out);

// Text of one element as a line.
void render_line(const Page& page, uint32_t node, std::string& out);

// Appends text with its white space as single blanks, none at the beginning of a line.
void append_collapsed(std::string_view text, std::string& out);

}  // namespace athanor::html
