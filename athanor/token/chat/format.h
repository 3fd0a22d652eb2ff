// format(value, spec) of Python, for the types a template has.
#pragma once

#include "athanor/token/chat/interp.h"

namespace athanor::chat {

void format_value(Interp& interp, Out& out, const Value& value, const Str& spec);

}  // namespace athanor::chat
