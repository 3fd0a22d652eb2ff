// Steps of a pipeline as a recipe writes them and as they are stored. Private to this room.
#pragma once

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/feature/transform.h"

namespace athanor {

// A step by name with its options, every default written out.
struct StepSpec {
  std::string kind;
  nlohmann::json options;
  nlohmann::json to_json() const { return {{"kind", kind}, {"options", options}}; }
};

template <class Kind>
const Kind& find_step(const std::vector<Kind>& kinds, const std::string& name, const char* what,
                      const std::string& where) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds) {
    if (kind.name == name) {
      return kind;
    }
    names.push_back(kind.name);
  }
  throw Error(ErrorKind::kUsage, "there is no " + std::string(what) + " '" + name + "'", where,
              did_you_mean(name, names));
}

// "onehot" or {onehot: {min_frequency: 10}}.
template <class Kind>
StepSpec parse_step(const nlohmann::json& json, const std::vector<Kind>& kinds, const char* what,
                    const std::string& where) {
  if (!json.is_string() && !(json.is_object() && json.size() == 1)) {
    throw Error(ErrorKind::kUsage,
                "one " + std::string(what) + " is wanted here, not " + json.dump(), where,
                "write a name, or {NAME: {OPTION: VALUE}}");
  }
  StepSpec spec;
  spec.kind = json.is_string() ? json.get<std::string>() : json.begin().key();
  const nlohmann::json given = json.is_string() ? nlohmann::json::object() : json.begin().value();
  const Kind& kind = find_step(kinds, spec.kind, what, where);
  const std::string place = where + "." + spec.kind;
  spec.options = kind.schema.parse(Node::from_json(given, Mark{place, 0, 0}), place);
  kind.make(spec.options);  // a step checks what a range cannot say
  return spec;
}

inline std::vector<StepSpec> parse_transforms(const nlohmann::json& json,
                                              const std::string& where) {
  if (!json.is_array()) {
    throw Error(ErrorKind::kUsage, "a list of transforms is wanted here", where,
                "write [{impute: {by: median}}, {scale: {by: zscore}}]");
  }
  std::vector<StepSpec> steps;
  for (size_t i = 0; i < json.size(); ++i) {
    steps.push_back(
        parse_step(json[i], transform_kinds(), "transform", where + "[" + std::to_string(i) + "]"));
  }
  return steps;
}

inline const std::vector<TransformKind>& kinds_of(const Transform*) {
  return transform_kinds();
}
inline const std::vector<EncoderKind>& kinds_of(const Encoder*) {
  return encoder_kinds();
}

template <class Step>
struct Fitted {
  StepSpec spec;
  std::unique_ptr<Step> step;

  static Fitted make(const StepSpec& spec) {
    const Step* none = nullptr;
    return {spec, find_step(kinds_of(none), spec.kind, "step", "").make(spec.options)};
  }
  static Fitted load(const SavedReader& in) {
    StepSpec spec{in.get<std::string>("kind"), in.get<nlohmann::json>("options")};
    try {
      const Step* none = nullptr;
      const auto& kind = find_step(kinds_of(none), spec.kind, "step", "");
      spec.options = kind.schema.parse(Node::from_json(spec.options, Mark{}), "options");
      Fitted fitted = make(spec);
      fitted.step->load(in.part("state"));
      return fitted;
    } catch (const nlohmann::json::exception&) {
      in.fail("the options of '" + spec.kind + "' are damaged");
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::kUsage) {
        throw;
      }
      in.fail("'" + spec.kind + "': " + error.message());
    }
  }
  void save(SavedWriter out) const {
    out.json()["kind"] = spec.kind;
    out.json()["options"] = spec.options;
    SavedWriter state = out.part("state");
    step->save(state);
  }
};

}  // namespace athanor
