// Values by name: columns, source, fields of meta.
#include "athanor/data/documents/document_values.h"

#include <gtest/gtest.h>

#include "athanor/data/testing/test_scratch.h"

namespace athanor {
namespace {

Documents small_set(const fs::path& dir) {
  {
    DocumentWriter writer(dir / "base", 20);  // several shards
    writer.add({"1", "a text of some length", "x.jsonl", 0, 1, R"({"lang":"en","n":3,"site":{"host":"a.org"}})"});
    writer.add({"2", "another text", "y.jsonl", 0, 1, R"({"site.host":"dotted","lang":null})"});
    writer.add({"3", "a third text of some length", "x.jsonl", 1, 2, "{}"});
    writer.finish();
  }
  const Documents base = Documents::open(dir / "base");
  const std::vector<Column> columns{{"label", std::vector<std::string>{"p", "q", "r"}},
                                    {"num", std::vector<int64_t>{7, -8, 9}},
                                    {"score", std::vector<double>{0.5, 1.5, 2.5}}};
  write_filtered(dir / "out", base, {true, true, false}, columns);
  return Documents::open(dir / "out");
}

std::vector<std::string> all(const Documents& documents, const std::string& name) {
  std::vector<std::string> found;
  DocumentValues(documents, name, "test").for_each([&](uint64_t row, std::string_view value) {
    found.push_back(std::to_string(row) + ":" + std::string(value));
  });
  return found;
}

TEST(DocumentValues, TakesEveryKindOfName) {
  const fs::path dir = scratch("document-values");
  const Documents documents = small_set(dir);
  using Values = std::vector<std::string>;
  EXPECT_EQ(all(documents, "id"), (Values{"0:1", "1:2"}));
  EXPECT_EQ(all(documents, "source"), (Values{"0:x.jsonl", "1:y.jsonl"}));
  EXPECT_EQ(all(documents, "label"), (Values{"0:p", "1:q"}));
  EXPECT_EQ(all(documents, "num"), (Values{"0:7", "1:-8"}));
  EXPECT_EQ(all(documents, "meta.lang"), (Values{"0:en", "1:"}));
  EXPECT_EQ(all(documents, "meta.n"), (Values{"0:3", "1:"}));
  EXPECT_EQ(all(documents, "meta.site.host"), (Values{"0:a.org", "1:dotted"}));
  EXPECT_EQ(all(documents, "meta.site"), (Values{R"(0:{"host":"a.org"})", "1:"}));
  fs::remove_all(dir);
}

TEST(DocumentValues, UnknownNamesListWhatThereIs) {
  const fs::path dir = scratch("document-values-bad");
  const Documents documents = small_set(dir);
  const Error unknown = error_of([&] { all(documents, "labell"); });
  EXPECT_EQ(unknown.kind(), ErrorKind::kUsage);
  EXPECT_NE(unknown.hint().find("label"), std::string::npos);
  EXPECT_EQ(error_of([&] { all(documents, "score"); }).kind(), ErrorKind::kUsage);
  EXPECT_FALSE(DocumentValues::known(documents, "text"));
  EXPECT_EQ(meta_value("not json", "a"), "");
  EXPECT_EQ(meta_value("[1,2]", "a"), "");
  fs::remove_all(dir);
}

}  // namespace
}  // namespace athanor
