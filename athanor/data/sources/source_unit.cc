#include "athanor/data/sources/source_unit.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/data/documents/parquet.h"
#include "athanor/data/sources/source_kinds.h"
#include "athanor/data/stream/line_reader.h"

namespace athanor {

namespace {

constexpr uint64_t kFrameSpacing = uint64_t{1} << 20;
constexpr uint64_t kCompressedWeight = 4;  // what a compressed byte counts when small files are put together

// Remembers where decompression can begin: the reader's boundaries lie behind what was read already.
class TrackedStream : public ByteStream {
 public:
  TrackedStream(std::unique_ptr<ByteStream> stream, const StreamFrame& begin) : stream_(std::move(stream)) {
    frames_.push_back(begin);
  }
  size_t read(char* buffer, size_t size) override {
    const size_t n = stream_->read(buffer, size);
    const StreamFrame frame = stream_->frame();
    if (n > 0 && frame.offset >= frames_.back().offset + kFrameSpacing) {
      frames_.push_back(frame);
    }
    return n;
  }
  const std::optional<StreamFault>& fault() const override { return stream_->fault(); }
  uint64_t file_position() const override { return stream_->file_position(); }
  bool recover() override { return stream_->recover(); }
  StreamFrame frame() const override { return stream_->frame(); }
  bool compressed() const override { return stream_->compressed(); }

  StreamFrame frame_before(uint64_t offset) {
    while (frames_.size() > 1 && frames_[1].offset <= offset) {
      frames_.pop_front();
    }
    return frames_.front();
  }

 private:
  std::unique_ptr<ByteStream> stream_;
  std::deque<StreamFrame> frames_;
};

// The first record that begins in the range; nullopt when there is none.
std::optional<uint64_t> first_line(const fs::path& path, const FileRange& range) {
  if (range.begin == 0) {
    return 0;
  }
  const auto stream = open_raw(path, range.begin - 1);
  LineReader lines(*stream, LineReader::kMaxLineBytes, range.begin - 1);
  if (!lines.skip_to_line(range.end)) {
    return std::nullopt;
  }
  return lines.offset();
}

bool cuts_at_lines(const Reader& reader, const ReadOptions& options) {
  return reader.lines && (reader.read != find_reader("a.txt")->read || options.split == ReadOptions::Split::kLines);
}

void cut_by_bytes(const ReadUnit& whole, uint64_t part_bytes, std::vector<ReadUnit>& units) {
  for (uint64_t begin = 0; begin < whole.bytes; begin += part_bytes) {
    ReadUnit unit = whole;
    unit.begin = begin;
    unit.end = std::min(begin + part_bytes, whole.bytes);
    unit.bytes = unit.end - begin;
    units.push_back(unit);
  }
}

// False when the file cannot be opened: then it is one unit, whose reader says what is wrong with it.
bool cut_by_row_groups(const fs::path& path, const ReadUnit& whole, uint64_t part_bytes, std::vector<ReadUnit>& units) {
  std::vector<ParquetFile::RowGroup> groups;
  try {
    groups = ParquetFile(path).row_groups();
  } catch (const Error&) {
    return false;
  }
  ReadUnit unit = whole;
  uint64_t bytes = 0, total = 0, row = 0;
  for (const auto& group : groups) {
    total += group.bytes;
  }
  const size_t first = units.size();
  for (const auto& group : groups) {
    bytes += group.bytes;
    row += group.rows;
    if (bytes >= part_bytes) {
      unit.end = row;
      unit.bytes = static_cast<uint64_t>(static_cast<double>(whole.bytes) * static_cast<double>(bytes) /
                                         static_cast<double>(total));
      units.push_back(unit);
      unit.begin = row;
      bytes = 0;
    }
  }
  if (bytes > 0 || units.size() == first) {
    unit.bytes = total == 0 ? 0 : static_cast<uint64_t>(static_cast<double>(whole.bytes) * static_cast<double>(bytes) /
                                                        static_cast<double>(total));
    units.push_back(unit);
  }
  units.back().end = UINT64_MAX;
  return true;
}

void cut_local(const ResolvedSource& source, size_t index, uint64_t part_bytes, std::vector<ReadUnit>& units) {
  std::optional<ReadUnit> group;
  uint64_t group_weight = 0;
  const auto end_group = [&] {
    if (group) {
      units.push_back(*group);
      group.reset();
      group_weight = 0;
    }
  };
  for (size_t i = 0; i < source.files.size(); ++i) {
    const SourceFile& file = source.files[i];
    const Reader* reader = find_reader(file.path.filename().string());
    const ReadUnit whole{index, i, 1, 0, UINT64_MAX, file.bytes};
    const bool packed = reader->kind == Reader::Kind::kStream && is_compressed(file.path);
    const uint64_t weight = packed ? file.bytes * kCompressedWeight : file.bytes;
    if (weight > part_bytes) {
      end_group();
      if (!packed && cuts_at_lines(*reader, source.spec.read)) {
        cut_by_bytes(whole, part_bytes, units);
      } else if (find_reader("a.parquet")->read != reader->read ||
                 !cut_by_row_groups(file.path, whole, part_bytes, units)) {
        units.push_back(whole);
      }
      continue;
    }
    if (group && group_weight + weight > part_bytes) {
      end_group();
    }
    if (!group) {
      group = whole;
    } else {
      ++group->count;
      group->bytes += file.bytes;
    }
    group_weight += weight;
  }
  end_group();
}

void read_local(const ResolvedSource& source, const ReadUnit& unit, const UnitPlace& from, const UnitSink& sink) {
  uint64_t done = 0;
  for (uint64_t number = 0; number < unit.count; ++number) {
    const SourceFile& file = source.files.at(unit.first + number);
    if (number >= from.file) {
      UnitSink rows = sink;
      if (sink.on_progress) {
        rows.on_progress = [&](uint64_t bytes) { sink.on_progress(std::min(done + bytes, unit.bytes)); };
      }
      const UnitPlace place = number == from.file ? from : UnitPlace{number, 0, "", {}};
      if (number > from.file && sink.on_boundary) {
        sink.on_boundary(0, [&] { return place; });
      }
      read_file_of_unit(file.path, file.source, *find_reader(file.path.filename().string()), source.spec.read,
                        {number, unit.begin, unit.end}, place, rows);
    }
    done += file.bytes;
    if (sink.on_progress) {
      sink.on_progress(std::min(done, unit.bytes));
    }
  }
}

}  // namespace

nlohmann::json UnitPlace::to_json() const {
  return {{"file", file},
          {"offset", offset},
          {"state", state},
          {"frame", {frame.file_offset, frame.offset}}};
}

UnitPlace UnitPlace::from_json(const nlohmann::json& json) {
  try {
    UnitPlace place;
    place.file = json.at("file").get<uint64_t>();
    place.offset = json.at("offset").get<uint64_t>();
    place.state = json.at("state").get<std::string>();
    place.frame = {json.at("frame").at(0).get<uint64_t>(), json.at("frame").at(1).get<uint64_t>()};
    if (place.frame.offset <= place.offset) {
      return place;
    }
  } catch (const nlohmann::json::exception&) {
  }
  throw Error(ErrorKind::kInput, "a kept part is damaged", "", "run the same command with --force");
}

void read_file_of_unit(const fs::path& path, const std::string& source, const Reader& reader,
                       const ReadOptions& options, const FileRange& range, const UnitPlace& from,
                       const UnitSink& sink) {
  ReadSink rows{sink.on_document, sink.on_rejected, {}, {}, sink.on_skipped, sink.on_note};
  ReadInput input{source, nullptr, path, from.offset, from.state, range.end};
  if (reader.kind == Reader::Kind::kPath) {
    input.begin = std::max(from.offset, range.begin);
    if (sink.on_boundary) {
      rows.on_boundary = [&](uint64_t offset, std::string_view) {
        sink.on_boundary(offset, [&] { return UnitPlace{range.number, offset, "", {}}; });
      };
    }
    reader.read(input, options, rows);
    return;
  }
  if (input.begin == 0 && range.begin > 0) {
    const auto line = first_line(path, range);
    if (!line) {
      return;
    }
    input.begin = *line;
  }
  TrackedStream stream(open_stream_at(path, from.frame, input.begin), from.frame);
  input.stream = &stream;
  if (sink.on_progress) {
    rows.on_progress = [&](uint64_t bytes) { sink.on_progress(bytes - std::min(bytes, range.begin)); };
  }
  if (sink.on_boundary) {
    rows.on_boundary = [&](uint64_t offset, std::string_view state) {
      sink.on_boundary(offset, [&] {
        return UnitPlace{range.number, offset, std::string(state), stream.frame_before(offset)};
      });
    };
  }
  reader.read(input, options, rows);
}

std::vector<ReadUnit> cut_sources(std::span<const ResolvedSource> sources, uint64_t part_bytes) {
  std::vector<ReadUnit> units;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].kind == SourceKind::kLocal) {
      cut_local(sources[i], i, part_bytes, units);
    } else if (sources[i].kind == SourceKind::kUrls) {
      for (size_t first = 0; first < sources[i].urls.size(); first += kUrlsOfUnit) {
        units.push_back({i, first, std::min(kUrlsOfUnit, sources[i].urls.size() - first)});
      }
    } else {
      units.push_back({i, 0, 1});
    }
  }
  return units;
}

std::vector<SourcePin> read_unit(const ResolvedSource& source, const ReadUnit& unit, const UnitPlace& from,
                                 SourceContext& context, const UnitSink& sink) {
  switch (source.kind) {
    case SourceKind::kLocal:
      read_local(source, unit, from, sink);
      return {};
    case SourceKind::kNpm:
      return read_npm(source, from, context, sink);
    case SourceKind::kHttp:
      return read_http(source, from, context, sink);
    case SourceKind::kUrls:
      return read_urls(source, unit, from, context, sink);
    case SourceKind::kSql:
      return read_sql(source, from, context, sink);
  }
  return {};
}

}  // namespace athanor
