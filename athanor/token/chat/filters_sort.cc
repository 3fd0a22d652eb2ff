// Filters that sort, group or compare.
#include <algorithm>

#include "athanor/token/chat/filters.h"

namespace athanor::chat {
namespace {

class Unique final : public Iter {
 public:
  Unique(Iter* source, Dict* seen, bool case_sensitive, const Value& attribute)
      : Iter("generator"), source_(source), seen_(seen), case_sensitive_(case_sensitive), attribute_(attribute) {}
  bool next(Interp& interp, Value& out) override {
    while (source_->next(interp, out)) {
      interp.step(4);
      const Value key = fold_case(interp, interp.get_path(out, attribute_, nullptr), case_sensitive_);
      if (!is_hashable(key)) {
        Interp::fail(std::string("unique cannot compare a ") + type_name(key));
      }
      if (find_item(*seen_, key) == nullptr) {
        set_item(interp.arena(), *seen_, key, Value::none());
        return true;
      }
    }
    return false;
  }

 private:
  Iter* source_;
  Dict* seen_;
  bool case_sensitive_;
  Value attribute_;
};

// Sorts items by keys, stably; equal ones keep their order also in reverse.
void sort_by(Interp& interp, std::vector<std::pair<Value, Value>>& keyed, bool reverse) {
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    return reverse ? interp.order(b.first, a.first, "<") == -1 : interp.order(a.first, b.first, "<") == -1;
  });
}

Value key_of(Interp& interp, const Value& item, const Value& attribute, bool case_sensitive) {
  return fold_case(interp, interp.get_path(item, attribute, nullptr), case_sensitive);
}

Value sort(Interp& interp, const Value& value, const Bind& args) {
  const bool case_sensitive = flag_argument(args[1]);
  std::vector<Value> paths;
  if (args[2].is_str()) {
    paths = split(interp, *args[2].str, copy_str(interp.arena(), ",", kTemplate), -1, false);
  } else {
    paths.push_back(args[2]);
  }
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : interp.to_vector(value)) {
    std::vector<Value> key;
    for (const Value& path : paths) {
      key.push_back(key_of(interp, item, path, case_sensitive));
    }
    keyed.emplace_back(interp.new_list(key), item);
  }
  sort_by(interp, keyed, flag_argument(args[0]));
  std::vector<Value> sorted;
  for (const auto& [key, item] : keyed) {
    sorted.push_back(item);
  }
  return interp.new_list(sorted);
}

Value dict_sort(Interp& interp, const Value& value, const Bind& args) {
  if (!value.is(Kind::kDict)) {
    interp.check_defined(value);
    Interp::fail(std::string("dictsort needs a dict, not a ") + type_name(value));
  }
  const std::string_view by = args[1].is(Kind::kMissing) ? "key" : args[1].is_str() ? args[1].text() : "";
  if (by != "key" && by != "value") {
    Interp::fail("dictsort sorts by 'key' or 'value'");
  }
  std::vector<std::pair<Value, Value>> keyed;
  for (uint32_t i = 0; i < value.dict->size; ++i) {
    const DictEntry& entry = value.dict->entries[i];
    interp.step();
    keyed.emplace_back(fold_case(interp, by == "key" ? entry.key : entry.value, flag_argument(args[0])),
                       interp.pair(entry.key, entry.value));
  }
  sort_by(interp, keyed, flag_argument(args[2]));
  std::vector<Value> sorted;
  for (const auto& [key, item] : keyed) {
    sorted.push_back(item);
  }
  return interp.new_list(sorted);
}

Value unique(Interp& interp, const Value& value, const Bind& args) {
  Iter* source = interp.iterate(value);
  return interp.from_iter(
      interp.arena().make<Unique>(source, make_dict(interp.arena(), 0), flag_argument(args[0]), args[1]));
}

Value extreme(Interp& interp, const Value& value, const Bind& args, int want) {
  const std::vector<Value> items = interp.to_vector(value);
  if (items.empty()) {
    return interp.undefined(Undef::kHint, "the least or largest of an empty sequence");
  }
  Value best = items[0];
  Value best_key = key_of(interp, best, args[1], flag_argument(args[0]));
  for (size_t i = 1; i < items.size(); ++i) {
    const Value key = key_of(interp, items[i], args[1], flag_argument(args[0]));
    if (interp.order(key, best_key, want < 0 ? "<" : ">") == want) {
      best = items[i];
      best_key = key;
    }
  }
  return best;
}

Value group_by(Interp& interp, const Value& value, const Bind& args) {
  const Value* otherwise = args[1].is(Kind::kMissing) ? nullptr : &args[1];
  const bool case_sensitive = flag_argument(args[2]);
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : interp.to_vector(value)) {
    keyed.emplace_back(fold_case(interp, interp.get_path(item, args[0], otherwise), case_sensitive), item);
  }
  sort_by(interp, keyed, false);
  std::vector<Value> groups;
  for (size_t i = 0; i < keyed.size();) {
    const Value key = keyed[i].first;
    const Value shown = case_sensitive ? key : interp.get_path(keyed[i].second, args[0], otherwise);
    std::vector<Value> members;
    while (i < keyed.size() && interp.compare(Operator::kEq, keyed[i].first, key)) {
      members.push_back(keyed[i++].second);
    }
    if (members.empty()) {  // a NaN is a group of its own
      members.push_back(keyed[i++].second);
    }
    const Value both[] = {shown, interp.new_list(members)};
    List group = *make_list(interp.arena(), both, 2);
    group.group = true;
    groups.push_back(Value::of(Kind::kTuple, interp.arena().make<List>(group)));
  }
  return interp.new_list(groups);
}

}  // namespace

std::vector<Filter> sort_filters() {
  const auto least = [](Interp& i, const Value& v, const Bind& a) { return extreme(i, v, a, -1); };
  const auto largest = [](Interp& i, const Value& v, const Bind& a) { return extreme(i, v, a, 1); };
  return {{"dictsort", dict_sort, {"case_sensitive", "by", "reverse"}},
          {"groupby", group_by, {"attribute", "default", "case_sensitive"}, 1},
          {"max", largest, {"case_sensitive", "attribute"}},
          {"min", least, {"case_sensitive", "attribute"}},
          {"sort", sort, {"reverse", "case_sensitive", "attribute"}},
          {"unique", unique, {"case_sensitive", "attribute"}}};
}

}  // namespace athanor::chat
