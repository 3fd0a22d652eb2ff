// How a fitted pipeline or model is stored: small things as JSON, arrays in a safetensors file
// beside it. Each part writes under names of its own; no code, no pickle; every length is checked
// on reading.
//
//   SavedWriter out;                                   SavedReader in = SavedReader::open(dir);
//   out.json()["kind"] = "scale";                      in.json().at("kind")
//   out.put("mean", mean);                             in.doubles("mean", /*expected size*/
//   columns) SavedWriter child = out.part("steps.0");           SavedReader child =
//   in.part("steps.0"); out.write(dir);     // saved.json, arrays.safetensors
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

class SavedWriter {
 public:
  SavedWriter();

  nlohmann::json& json();
  void put(const std::string& name, std::span<const double> values);
  void put(const std::string& name, std::span<const float> values);
  void put(const std::string& name, std::span<const int64_t> values);
  void put(const std::string& name, std::span<const int32_t> values);
  void put(const std::string& name, std::span<const uint8_t> values);
  // Strings, one behind another, with their ends.
  void put(const std::string& name, const std::vector<std::string>& strings);

  // The same files, under the names "<name>." and the object json()[name]: a slash or dot in `name`
  // has no meaning.
  SavedWriter part(const std::string& name);
  void write(const fs::path& dir) const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
  std::string prefix_;
  nlohmann::json::json_pointer place_;
};

class SavedReader {
 public:
  static constexpr size_t kAny = static_cast<size_t>(-1);

  // Error(kInput) that names the file and the field, here and in all that follows.
  static SavedReader open(const fs::path& dir);

  const nlohmann::json& json() const;
  // Valid while any reader of this folder, or its keeper(), lives. size: what must be there.
  std::span<const double> doubles(const std::string& name, size_t size = kAny) const;
  std::span<const float> floats(const std::string& name, size_t size = kAny) const;
  std::span<const int64_t> int64s(const std::string& name, size_t size = kAny) const;
  std::span<const int32_t> int32s(const std::string& name, size_t size = kAny) const;
  std::span<const uint8_t> bytes(const std::string& name, size_t size = kAny) const;
  std::vector<std::string> strings(const std::string& name, size_t size = kAny) const;
  bool has(const std::string& name) const;
  // What keeps the files mapped, for arrays that are read where they lie.
  std::shared_ptr<const void> keeper() const { return impl_; }

  SavedReader part(const std::string& name) const;
  // For a part that finds its own fields wrong: an Error(kInput) with the place.
  [[noreturn]] void fail(const std::string& what) const;
  // A member of json(), of the right type.
  template <class T>
  T get(const char* key) const {
    try {
      return json().at(key).template get<T>();
    } catch (const nlohmann::json::exception&) {
      fail(std::string("'") + key + "' is missing or of the wrong type");
    }
  }

 private:
  struct Impl;
  template <class T>
  std::span<const T> array(const std::string& name, const char* dtype, size_t size) const;

  std::shared_ptr<const Impl> impl_;
  std::string prefix_;
  const nlohmann::json* json_ = nullptr;
};

}  // namespace athanor
