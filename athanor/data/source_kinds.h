// Private to the sources: the kinds beside local files.
#pragma once

#include "athanor/data/source.h"

namespace athanor {

ResolvedSource resolve_npm(const SourceSpec& spec, SourceContext& context);
std::vector<SourcePin> read_npm(const ResolvedSource& source, SourceContext& context, const SourceSink& sink);

ResolvedSource resolve_http(const SourceSpec& spec);
std::vector<SourcePin> read_http(const ResolvedSource& source, SourceContext& context, const SourceSink& sink);

}  // namespace athanor
