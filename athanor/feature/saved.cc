#include "athanor/feature/saved.h"

#include <cstring>
#include <map>

#include "athanor/base/error.h"
#include "athanor/data/containers/safetensors.h"
#include "athanor/token/file/json_field.h"

namespace athanor {

namespace {

constexpr char kJsonFile[] = "saved.json";
constexpr char kArraysFile[] = "arrays.safetensors";
constexpr int kSchema = 1;
constexpr uint64_t kMaxJsonBytes = uint64_t{256} << 20;

struct StoredArray {
  std::string dtype;
  std::vector<uint8_t> bytes;
};

// Wide types first, so that every array starts at a multiple of its own width.
int width_rank(const std::string& dtype) {
  return -static_cast<int>(dtype_bytes(dtype));
}

}  // namespace

struct SavedWriter::Impl {
  nlohmann::json json = nlohmann::json::object();
  std::map<std::string, StoredArray> arrays;

  template <class T>
  void put(const std::string& name, const char* dtype, std::span<const T> values) {
    const auto* begin = reinterpret_cast<const uint8_t*>(values.data());
    const bool fresh =
        arrays.emplace(name, StoredArray{dtype, {begin, begin + values.size_bytes()}}).second;
    if (!fresh) {
      throw Error(ErrorKind::kInternal, "the array '" + name + "' is stored twice");
    }
  }
};

SavedWriter::SavedWriter() : impl_(std::make_shared<Impl>()) {}

nlohmann::json& SavedWriter::json() {
  nlohmann::json& object = impl_->json[place_];
  if (object.is_null()) {
    object = nlohmann::json::object();
  }
  return object;
}

void SavedWriter::put(const std::string& name, std::span<const double> values) {
  impl_->put(prefix_ + name, "F64", values);
}
void SavedWriter::put(const std::string& name, std::span<const float> values) {
  impl_->put(prefix_ + name, "F32", values);
}
void SavedWriter::put(const std::string& name, std::span<const int64_t> values) {
  impl_->put(prefix_ + name, "I64", values);
}
void SavedWriter::put(const std::string& name, std::span<const int32_t> values) {
  impl_->put(prefix_ + name, "I32", values);
}
void SavedWriter::put(const std::string& name, std::span<const uint8_t> values) {
  impl_->put(prefix_ + name, "U8", values);
}

void SavedWriter::put(const std::string& name, const std::vector<std::string>& strings) {
  std::vector<int64_t> ends;
  std::vector<uint8_t> bytes;
  for (const auto& text : strings) {
    bytes.insert(bytes.end(), text.begin(), text.end());
    ends.push_back(static_cast<int64_t>(bytes.size()));
  }
  put(name + ".ends", std::span<const int64_t>(ends));
  put(name + ".bytes", std::span<const uint8_t>(bytes));
}

SavedWriter SavedWriter::part(const std::string& name) {
  json();  // so that the pointer below has an object to stand in
  SavedWriter child;
  child.impl_ = impl_;
  child.prefix_ = prefix_ + name + ".";
  child.place_ = place_ / name;
  child.json();
  return child;
}

void SavedWriter::write(const fs::path& dir) const {
  std::vector<std::pair<std::string, const StoredArray*>> order;
  for (const auto& [name, array] : impl_->arrays) {
    order.emplace_back(name, &array);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return width_rank(a.second->dtype) < width_rank(b.second->dtype);
  });
  std::vector<TensorView> tensors;
  for (const auto& [name, array] : order) {
    const auto count = static_cast<int64_t>(array->bytes.size() / dtype_bytes(array->dtype));
    tensors.push_back({name, array->dtype, {count}, array->bytes});
  }
  fs::remove(dir / kArraysFile);  // a model that was opened there goes on reading the old file
  write_safetensors(dir / kArraysFile, tensors, {{"format", "athanor-estimator"}});
  nlohmann::json json = impl_->json;
  json["schema"] = kSchema;
  write_file_atomic(dir / kJsonFile, json.dump() + "\n");
}

struct SavedReader::Impl {
  fs::path json_path;
  nlohmann::json json;
  SafetensorsFile arrays;
};

SavedReader SavedReader::open(const fs::path& dir) {
  const fs::path path = dir / kJsonFile;
  auto json = token::parse_json(read_file(path, kMaxJsonBytes), path.string());
  const bool versioned =
      json.is_object() && json.contains("schema") && json["schema"].is_number_integer();
  if (!versioned || json["schema"].get<int64_t>() < 1) {
    throw Error(ErrorKind::kInput, "not a stored estimator: no JSON object with a schema",
                path.string(), "fit the estimator again");
  }
  if (json["schema"].get<int64_t>() > kSchema) {
    throw Error(ErrorKind::kInput,
                "written by a newer Athanor (schema " + json["schema"].dump() + ")", path.string(),
                "read it with that version, or fit the estimator again");
  }
  SavedReader reader;
  reader.impl_ = std::make_shared<const Impl>(
      Impl{path, std::move(json), SafetensorsFile::open(dir / kArraysFile)});
  reader.json_ = &reader.impl_->json;
  return reader;
}

const nlohmann::json& SavedReader::json() const {
  return *json_;
}

template <class T>
std::span<const T> SavedReader::array(const std::string& name, const char* dtype,
                                      size_t size) const {
  const TensorView* view = impl_->arrays.find(prefix_ + name);
  if (view == nullptr) {
    fail("the array '" + name + "' is missing");
  }
  if (view->dtype != dtype) {
    fail("the array '" + name + "' holds " + view->dtype + ", not " + dtype);
  }
  const size_t found = view->bytes.size() / sizeof(T);
  if (size != kAny && found != size) {
    fail("the array '" + name + "' holds " + std::to_string(found) + " values, not " +
         std::to_string(size));
  }
  if (reinterpret_cast<uintptr_t>(view->bytes.data()) % alignof(T) != 0) {
    fail("the array '" + name + "' does not start at a multiple of its width");
  }
  return {reinterpret_cast<const T*>(view->bytes.data()), found};
}

std::span<const double> SavedReader::doubles(const std::string& name, size_t size) const {
  return array<double>(name, "F64", size);
}
std::span<const float> SavedReader::floats(const std::string& name, size_t size) const {
  return array<float>(name, "F32", size);
}
std::span<const int64_t> SavedReader::int64s(const std::string& name, size_t size) const {
  return array<int64_t>(name, "I64", size);
}
std::span<const int32_t> SavedReader::int32s(const std::string& name, size_t size) const {
  return array<int32_t>(name, "I32", size);
}
std::span<const uint8_t> SavedReader::bytes(const std::string& name, size_t size) const {
  return array<uint8_t>(name, "U8", size);
}

std::vector<std::string> SavedReader::strings(const std::string& name, size_t size) const {
  const auto ends = int64s(name + ".ends", size);
  const auto all = bytes(name + ".bytes");
  std::vector<std::string> out;
  out.reserve(ends.size());
  int64_t begin = 0;
  for (const int64_t end : ends) {
    if (end < begin || end > static_cast<int64_t>(all.size())) {
      fail("the strings '" + name + "' have an end out of range");
    }
    out.emplace_back(reinterpret_cast<const char*>(all.data()) + begin,
                     static_cast<size_t>(end - begin));
    begin = end;
  }
  return out;
}

bool SavedReader::has(const std::string& name) const {
  return impl_->arrays.find(prefix_ + name) != nullptr ||
         impl_->arrays.find(prefix_ + name + ".ends") != nullptr;
}

SavedReader SavedReader::part(const std::string& name) const {
  const auto found = json_->find(name);
  if (found == json_->end() || !found->is_object()) {
    fail("the part '" + name + "' is missing");
  }
  SavedReader child = *this;
  child.prefix_ += name + ".";
  child.json_ = &*found;
  return child;
}

void SavedReader::fail(const std::string& what) const {
  throw Error(
      ErrorKind::kInput,
      prefix_.empty() ? what : "part '" + prefix_.substr(0, prefix_.size() - 1) + "': " + what,
      impl_->json_path.string(), "the estimator is damaged or of another version; fit it again");
}

}  // namespace athanor
