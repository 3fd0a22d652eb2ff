// Times encoders of texts and images, Word2Vec, and reads tables, for bench/features.py and
// bench/word2vec.py. Prints a line of JSON; cpu: seconds of all threads together.
//
//   feature_speed text FILE.jsonl[.zst] ENCODER OPTIONS_JSON [THREADS]
//     each document cut into pieces of 2,000 bytes
//   feature_speed word2vec FILE METHOD SEED THREADS OUT
//     a sentence a line, words with blanks between; OUT: the words' vectors as text
//   feature_speed table FILE.csv[.zst] [NAME ...]
//   feature_speed matrix FILE.csv[.zst] SPEC_JSON OUT [NAME ...]
//     what a pipeline makes of the rows it is fitted on, as doubles; prints rows, columns and inputs
//   feature_speed image FILE FILTER OUT
//     FILE: of each picture its width, height and channels (int64), then the pixels. FILTER: colors, sobel, canny, hog, lbp.
//     OUT: what it gives as doubles, picture after picture; cpu: of the filter alone
//   feature_speed words FILE
//     Chinese, a line a text; words with blanks between
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"
#include "athanor/data/readers/readers.h"
#include "athanor/data/tables/read_table.h"
#include "athanor/feature/image/filters.h"
#include "athanor/feature/pipeline.h"
#include "athanor/feature/text/analyzer.h"
#include "athanor/feature/transform.h"
#include "athanor/feature/vectors/word_vectors.h"

namespace {

using namespace athanor;

std::vector<Document> read(const std::string& path, const ReadOptions& options) {
  std::vector<Document> documents;
  ReadSink sink;
  sink.on_document = [&](Document&& document) { documents.push_back(std::move(document)); };
  sink.on_rejected = [](Rejected&&) {};
  read_documents(path, "bench", options, sink);
  return documents;
}

void time_text(const std::string& path, const std::string& encoder, const std::string& options,
               int threads) {
  TableColumn column;
  column.name = "text";
  column.kind = ColumnKind::kText;
  size_t bytes = 0;
  for (const Document& document : read(path, {})) {
    std::string_view rest = document.text;
    while (!rest.empty()) {
      const std::string_view piece = utf8_prefix(rest, 2000);
      column.texts.emplace_back(piece);
      bytes += piece.size();
      rest.remove_prefix(piece.size());
    }
  }
  const TableColumn* columns[] = {&column};
  ThreadPool pool(threads);
  FitContext context{pool};
  auto step = make_encoder(encoder, nlohmann::json::parse(options), "options");
  double begin = monotonic_time();
  const std::clock_t cpu_begin = std::clock();
  const Matrix fitted = step->fit(columns, nullptr, context);
  const double fit = monotonic_time() - begin;
  const double cpu = static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC;
  begin = monotonic_time();
  const Matrix applied = step->apply(columns, pool);
  std::printf(
      "{\"fit\": %.6f, \"cpu\": %.6f, \"apply\": %.6f, \"texts\": %zu, \"bytes\": %zu, "
      "\"columns\": %llu, \"stored\": %zu}\n",
      fit, cpu, monotonic_time() - begin, column.texts.size(), bytes,
      static_cast<unsigned long long>(fitted.columns), fitted.sparse.values.size());
}

void time_word2vec(const std::string& path, const std::string& method, uint64_t seed, int threads,
                   const std::string& out_path) {
  double begin = monotonic_time();
  WordCorpus::Builder builder;
  const std::string text = read_file(path, uint64_t{1} << 32);
  for (const auto& line : split_text(text, '\n')) {
    for (const auto& word : split_text(line, ' ')) {
      builder.add(word);
    }
    builder.end_sentence();
  }
  WordVectorOptions options;
  options.method = method;
  const WordCorpus corpus = builder.finish(options.min_count);
  const double read = monotonic_time() - begin;
  ThreadPool pool(threads);
  begin = monotonic_time();
  const std::clock_t cpu_begin = std::clock();
  const WordVectors vectors = train_word_vectors(corpus, options, seed, pool);
  std::printf("{\"read\": %.3f, \"train\": %.3f, \"cpu\": %.3f, \"words\": %zu, \"vocabulary\": %zu}\n", read,
              monotonic_time() - begin, static_cast<double>(std::clock() - cpu_begin) / CLOCKS_PER_SEC, corpus.ids.size(),
              vectors.words.size());
  std::ofstream out(out_path);
  for (uint32_t word = 0; word < vectors.words.size(); ++word) {
    out << vectors.words[word];
    for (int64_t i = 0; i < vectors.size; ++i) {
      out << ' ' << vectors.row(word)[i];
    }
    out << '\n';
  }
}

void time_table(const std::string& path, std::vector<std::string> names) {
  ReadOptions options;
  options.fields = parse_field_map({{"text", "*"}});
  options.columns = std::move(names);
  const std::vector<Document> documents = read(path, options);
  const double begin = monotonic_time();
  TableReader reader{TableOptions()};
  for (const Document& document : documents) {
    reader.add(document);
  }
  TableNotes notes;
  const Table table = reader.finish(notes);
  std::printf("{\"seconds\": %.6f, \"rows\": %llu, \"columns\": %zu}\n", monotonic_time() - begin,
              static_cast<unsigned long long>(table.rows), table.columns.size());
}

void write_matrix(const std::string& path, const std::string& spec_json, const std::string& out,
                  std::vector<std::string> names) {
  ReadOptions options;
  options.fields = parse_field_map({{"text", "*"}});
  options.columns = std::move(names);
  TableReader reader{TableOptions()};
  for (const Document& document : read(path, options)) {
    reader.add(document);
  }
  TableNotes notes;
  const Table table = reader.finish(notes);
  const auto json = nlohmann::json::parse(spec_json);
  PipelineSpec spec;
  spec.features = json.at("features");
  spec.reduce = json.value("reduce", nlohmann::json::array());
  ThreadPool pool(0);
  FitContext context{pool};
  FeaturePipeline pipeline(spec, "spec");
  const double begin = monotonic_time();
  const Matrix x = to_dense(pipeline.fit(table, nullptr, context));
  const double seconds = monotonic_time() - begin;
  std::ofstream(out, std::ios::binary)
      .write(reinterpret_cast<const char*>(x.values.data()),
             static_cast<std::streamsize>(x.values.size() * sizeof(double)));
  nlohmann::json result{{"seconds", seconds},
                        {"rows", x.rows},
                        {"columns", x.columns},
                        {"inputs", nlohmann::json::array()}};
  for (const auto& [name, kind] : pipeline.inputs()) {
    result["inputs"].push_back(name);
  }
  std::printf("%s\n", result.dump().c_str());
}

std::vector<Image> read_pictures(const std::string& path) {
  const std::string bytes = read_file(path, uint64_t{1} << 32);
  std::vector<Image> out;
  for (size_t at = 0; at < bytes.size();) {
    int64_t shape[3];
    std::memcpy(shape, bytes.data() + at, sizeof shape);
    at += sizeof shape;
    Image image{shape[0], shape[1], shape[2], {}};
    const auto size = static_cast<size_t>(shape[0] * shape[1] * shape[2]);
    image.pixels.assign(bytes.begin() + static_cast<ptrdiff_t>(at), bytes.begin() + static_cast<ptrdiff_t>(at + size));
    at += size;
    out.push_back(std::move(image));
  }
  return out;
}

std::vector<double> filtered(const Image& image, const std::string& filter) {
  if (filter == "colors") {
    return color_histograms(image, 16);
  }
  if (filter == "sobel" || filter == "canny") {
    const Plane plane = plane_of(image, 255);
    return (filter == "sobel" ? sobel(plane) : canny(plane)).values;
  }
  if (filter == "hog") {
    return hog(plane_of(image, 1), 9, 8, 3);
  }
  const auto patterns = local_binary_patterns(plane_of(image, 1));
  return {patterns.begin(), patterns.end()};
}

void time_image(const std::string& path, const std::string& filter, const std::string& out_path) {
  const std::vector<Image> pictures = read_pictures(path);
  std::vector<std::vector<double>> results(pictures.size());
  const std::clock_t begin = std::clock();
  for (size_t i = 0; i < pictures.size(); ++i) {
    results[i] = filtered(pictures[i], filter);
  }
  const double cpu = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  std::ofstream out(out_path, std::ios::binary);
  for (const auto& values : results) {
    out.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(double)));
  }
  std::printf("{\"cpu\": %.6f, \"pictures\": %zu}\n", cpu, pictures.size());
}

void cut_words(const std::string& path) {
  const auto segmenter = WordSegmenter::chinese();
  std::ifstream in(path);
  std::vector<size_t> ends;
  for (std::string line; std::getline(in, line);) {
    segmenter->cut(line, ends);
    size_t begin = 0;
    for (const size_t end : ends) {
      std::cout << (begin == 0 ? "" : " ") << std::string_view(line).substr(begin, end - begin);
      begin = end;
    }
    std::cout << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  try {
    if (args.size() >= 4 && args[0] == "text") {
      time_text(args[1], args[2], args[3], args.size() > 4 ? std::stoi(args[4]) : 0);
    } else if (args.size() == 6 && args[0] == "word2vec") {
      time_word2vec(args[1], args[2], std::stoull(args[3]), std::stoi(args[4]), args[5]);
    } else if (args.size() >= 2 && args[0] == "table") {
      time_table(args[1], {args.begin() + 2, args.end()});
    } else if (args.size() >= 4 && args[0] == "matrix") {
      write_matrix(args[1], args[2], args[3], {args.begin() + 4, args.end()});
    } else if (args.size() == 4 && args[0] == "image") {
      time_image(args[1], args[2], args[3]);
    } else if (args.size() == 2 && args[0] == "words") {
      cut_words(args[1]);
    } else {
      std::fprintf(stderr, "feature_speed text|word2vec|table|matrix|image|words FILE ...\n");
      return 2;
    }
  } catch (const athanor::Error& error) {
    std::fprintf(stderr, "%s %s\n", error.what(), error.where().c_str());
    return error.exit_code();
  }
  return 0;
}
