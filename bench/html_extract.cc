// For bench/html_pages.py: extracts every .html file of a folder and writes one JSON object a line; with a
// number behind it, does so that many times more and writes the time of each round, on one thread.
//
//   html_extract FOLDER [ROUNDS] > pages.jsonl
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/data/html/extract.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: html_extract FOLDER [ROUNDS]\n";
    return 2;
  }
  std::vector<std::pair<std::string, std::string>> pages;
  size_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
    if (entry.path().extension() == ".html" && entry.path().stem() != "expected") {
      const std::string name =
          entry.path().stem() == "source" ? entry.path().parent_path().filename() : entry.path().stem();
      pages.emplace_back(name, athanor::read_file(entry.path()));
      bytes += pages.back().second.size();
    }
  }
  std::sort(pages.begin(), pages.end());
  for (const auto& [name, page] : pages) {
    const athanor::HtmlPage result = athanor::extract_html(page);
    std::cout << nlohmann::json({{"id", name},
                                 {"text", result.text},
                                 {"title", result.title},
                                 {"date", result.date},
                                 {"author", result.author},
                                 {"language", result.language},
                                 {"links", result.links.size()},
                                 {"charset", result.charset},
                                 {"url", result.canonical_url},
                                 {"description", result.description},
                                 {"fault", result.fault}})
                     .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
              << "\n";
  }
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 0;
  for (int round = 0; round < rounds; ++round) {
    const std::clock_t start = std::clock();
    size_t text = 0;
    for (const auto& [name, page] : pages) {
      text += athanor::extract_html(page).text.size();
    }
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    std::cout << nlohmann::json(
                     {{"seconds", seconds}, {"pages", pages.size()}, {"bytes", bytes}, {"text", text}})
              << "\n";
  }
  return 0;
}
