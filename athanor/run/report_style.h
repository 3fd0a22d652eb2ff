// The report page's style sheet, without the charts' (svg_css).
#pragma once

namespace athanor {

extern const char kReportCss[];

}  // namespace athanor
