// Lists that options name: a file with one entry a line. Blank lines and lines that begin with # are left out; white
// space at both ends is cut. The stage pins these files by their digest (CleanChain::files()).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// Throws Error(kInput) that names the file.
std::vector<std::string> read_list_file(const std::string& path);

// The entries given in the recipe, then those of the files; options: a step's, with two arrays of texts.
std::vector<std::string> read_lists(const nlohmann::json& options, const char* entries, const char* files);

// Every code point in lower case (base/lower.h); ill-formed bytes stay.
std::string lower_text(std::string_view text);

}  // namespace athanor
