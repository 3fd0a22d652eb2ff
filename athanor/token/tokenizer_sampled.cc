#include "athanor/base/rng.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

void Tokenizer::encode_sampled(std::string_view text, AddedTokens which, const token::Sampling& sampling, uint64_t seed,
                               uint64_t document, std::vector<int32_t>& ids) const {
  const token::Pieces pieces = impl_->prepare(text, which, {}, impl_->needs_alignment);
  Rng rng(random_at(seed, document));
  std::unique_ptr<token::Workspace> workspace = impl_->take_workspace();
  for (const token::Piece& piece : pieces.pieces) {
    if (piece.added >= 0) {
      ids.push_back(impl_->added[static_cast<size_t>(piece.added)].id);
      continue;
    }
    const std::string_view part = std::string_view(pieces.text.text).substr(piece.begin, piece.end - piece.begin);
    impl_->model->encode_sampled(part, sampling, rng, *workspace, ids);
  }
  impl_->give_workspace(std::move(workspace));
}

}  // namespace athanor
