// The table of encoders: columns of a table become numbers. One line an encoder.
#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/feature/kinds.h"

namespace athanor {

const std::vector<EncoderKind>& encoder_kinds() {
  static const std::vector<EncoderKind> kinds = {
      numbers_kind(),  onehot_kind(), ordinal_kind(), target_kind(), frequency_kind(),
      dates_kind(),    sparse_kind(), words_kind(),   tfidf_kind(),  hashing_kind(),
      word2vec_kind(), colors_kind(), hog_kind(),     edges_kind(),  texture_kind(),
      pixels_kind(),   windows_kind()};
  return kinds;
}

std::unique_ptr<Encoder> make_encoder(const std::string& kind, const nlohmann::json& options,
                                      const std::string& where) {
  std::vector<std::string> names;
  for (const auto& known : encoder_kinds()) {
    if (known.name == kind) {
      return known.make(known.schema.parse(Node::from_json(options, Mark{where, 0, 0}), where));
    }
    names.push_back(known.name);
  }
  throw Error(ErrorKind::kUsage, "there is no encoder '" + kind + "'", where,
              did_you_mean(kind, names));
}

}  // namespace athanor
