// One function a kind of step, for the two tables (encoder_table.cc, transform_table.cc). Private
// to this room.
#pragma once

#include "athanor/feature/transform.h"

namespace athanor {

TransformKind impute_kind();
TransformKind scale_kind();
TransformKind clip_kind();
TransformKind log1p_kind();
TransformKind polynomial_kind();
TransformKind bins_kind();
TransformKind select_kind();
TransformKind pca_kind();
TransformKind truncated_svd_kind();

EncoderKind numbers_kind();
EncoderKind onehot_kind();
EncoderKind ordinal_kind();
EncoderKind target_kind();
EncoderKind frequency_kind();
EncoderKind dates_kind();
EncoderKind sparse_kind();
EncoderKind words_kind();
EncoderKind tfidf_kind();
EncoderKind hashing_kind();
EncoderKind windows_kind();
EncoderKind word2vec_kind();
EncoderKind colors_kind();
EncoderKind hog_kind();
EncoderKind edges_kind();
EncoderKind texture_kind();
EncoderKind pixels_kind();

template <class Step, class Options>
TransformKind make_transform_kind(const char* name, const char* doc) {
  return {name, doc, schema_of<Options>(),
          [](const nlohmann::json& options) -> std::unique_ptr<Transform> {
            return std::make_unique<Step>(load_options<Options>(options));
          }};
}

template <class Step, class Options>
EncoderKind make_encoder_kind(const char* name, const char* doc, std::vector<ColumnKind> takes) {
  return {name, doc, std::move(takes), schema_of<Options>(),
          [](const nlohmann::json& options) -> std::unique_ptr<Encoder> {
            return std::make_unique<Step>(load_options<Options>(options));
          }};
}

}  // namespace athanor
