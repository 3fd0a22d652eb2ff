#include "athanor/stage/describe_parts.h"

#include <array>
#include <cstring>
#include <type_traits>
#include <unordered_map>

#include "athanor/base/error.h"

namespace athanor {

namespace {

template <typename T>
constexpr bool is_plain = std::is_arithmetic_v<T>;

class Writer {
 public:
  template <typename T>
  void operator()(T& value) {
    if constexpr (is_plain<T>) {
      bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else {
      write(value);
    }
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void size(uint64_t n) { (*this)(n); }
  void write(std::string& text) {
    size(text.size());
    bytes_ += text;
  }
  template <typename T>
  void write(std::vector<T>& list) {
    size(list.size());
    for (T& value : list) {
      (*this)(value);
    }
  }
  template <typename T, size_t n>
  void write(std::array<T, n>& list) {
    for (T& value : list) {
      (*this)(value);
    }
  }
  template <typename Key, typename Value>
  void write(std::map<Key, Value>& map) {
    write_map(map);
  }
  template <typename Key, typename Value>
  void write(std::unordered_map<Key, Value>& map) {
    write_map(map);
  }
  template <typename Map>
  void write_map(Map& map) {
    size(map.size());
    for (auto& [key, value] : map) {
      Key_of<Map> copy = key;
      (*this)(copy);
      (*this)(value);
    }
  }
  template <typename T>
  void write(T& value) {
    value.archive(*this);
  }
  template <typename Map>
  using Key_of = typename Map::key_type;

  std::string bytes_;
};

class Reader {
 public:
  Reader(const std::string& bytes, const fs::path& path) : rest_(bytes), path_(path) {}

  template <typename T>
  void operator()(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = take(1)[0] != 0;
    } else if constexpr (is_plain<T>) {
      std::memcpy(&value, take(sizeof value).data(), sizeof value);
    } else {
      read(value);
    }
  }
  void at_end() const {
    if (!rest_.empty()) {
      damaged();
    }
  }

 private:
  [[noreturn]] void damaged() const {
    throw Error(ErrorKind::kInput, "a kept part is damaged", path_.string(), "run the same command with --force");
  }
  std::string_view take(uint64_t bytes) {
    if (bytes > rest_.size()) {
      damaged();
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  uint64_t size() {  // of a list: no more entries than there are bytes
    uint64_t n = 0;
    (*this)(n);
    if (n > rest_.size()) {
      damaged();
    }
    return n;
  }
  void read(std::string& text) { text = take(size()); }
  template <typename T>
  void read(std::vector<T>& list) {
    list.resize(size());
    for (T& value : list) {
      (*this)(value);
    }
  }
  template <typename T, size_t n>
  void read(std::array<T, n>& list) {
    for (T& value : list) {
      (*this)(value);
    }
  }
  template <typename Key, typename Value>
  void read(std::map<Key, Value>& map) {
    read_map(map);
  }
  template <typename Key, typename Value>
  void read(std::unordered_map<Key, Value>& map) {
    read_map(map);
  }
  template <typename Map>
  void read_map(Map& map) {
    map.clear();
    for (uint64_t n = size(); n > 0; --n) {
      typename Map::key_type key{};
      (*this)(key);
      (*this)(map[key]);
    }
  }
  template <typename T>
  void read(T& value) {
    value.archive(*this);
  }

  std::string_view rest_;
  const fs::path& path_;
};

}  // namespace

void save_statistics(const fs::path& path, Statistics& statistics) {
  Writer writer;
  writer(statistics);
  FileWriter file(path);
  file.write(writer.bytes());
  file.close();
}

Statistics load_statistics(const fs::path& path) {
  const std::string bytes = read_file(path);
  Reader reader(bytes, path);
  Statistics statistics;
  reader(statistics);
  reader.at_end();
  return statistics;
}

}  // namespace athanor
