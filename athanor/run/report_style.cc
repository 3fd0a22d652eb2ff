#include "athanor/run/report_style.h"

namespace athanor {

const char kReportCss[] = R"css(
:root{color-scheme:light dark;--acc:var(--s0);--panel:#f6f3ee;--tint:#f8ece4;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"PingFang SC","Hiragino Sans GB","Microsoft YaHei","Noto Sans CJK SC","Noto Sans SC","WenQuanYi Zen Hei",sans-serif;
--serif:"Iowan Old Style","Palatino Linotype",Palatino,"Source Serif 4",Georgia,"Songti SC","Noto Serif CJK SC",SimSun,serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono","DejaVu Sans Mono","Noto Sans Mono CJK SC",monospace}
@media (prefers-color-scheme:dark){:root{--panel:#1f1c1a;--tint:#2c211a}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.6 var(--sans);font-feature-settings:"kern"}
.page{display:grid;grid-template-columns:minmax(0,1fr);max-width:840px;margin:0 auto;padding:56px 28px 72px}
a{color:inherit;text-decoration-color:var(--axis);text-underline-offset:3px}a:hover{color:var(--acc)}
header{border-top:3px solid var(--acc);padding-top:20px;margin-bottom:36px}
.brand{font-size:11px;letter-spacing:.14em;text-transform:uppercase;color:var(--acc);font-weight:600}
h1{font:600 34px/1.2 var(--serif);letter-spacing:-.01em;margin:6px 0 6px;overflow-wrap:anywhere}
.sub{color:var(--mut);font-size:16px;margin:0;overflow-wrap:anywhere}
.figs{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:0 28px;margin:32px 0 0;padding:0}
.three{grid-template-columns:repeat(3,minmax(0,1fr))}
.fig{border-top:1px solid var(--line);padding:12px 0 14px;min-width:0}
.fig dt{font-size:12px;color:var(--mut);margin:0}
.fig dd{margin:0}
.fig .v{font:500 27px/1.25 var(--sans);letter-spacing:-.015em;font-variant-numeric:tabular-nums lining-nums;white-space:nowrap}
.fig .v small{font-size:13px;font-weight:400;letter-spacing:0;color:var(--mut);margin-left:5px}
.fig .w{font-size:12px;line-height:1.45;color:var(--mut);overflow-wrap:anywhere}
nav ol{list-style:none;margin:0 0 12px;padding:0;display:flex;flex-wrap:wrap;gap:2px 22px;font-size:14px}
nav b{display:none}
nav a{text-decoration:none;color:var(--mut)}nav a:hover{color:var(--acc)}
section{margin:48px 0 0}
h2{font:600 22px/1.3 var(--serif);margin:0 0 6px;padding-bottom:8px;border-bottom:1px solid var(--line)}
p{margin:10px 0;max-width:68ch;overflow-wrap:break-word}.intro{color:var(--mut)}
figure{margin:24px 0}.grid{display:grid;grid-template-columns:1fr 1fr;gap:28px 32px;margin:24px 0}.grid figure{margin:0}
.narrow{display:none}
.scroll{overflow-x:auto;margin:20px 0}
table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.45;font-variant-numeric:tabular-nums lining-nums}
caption{text-align:left;font-weight:600;font-size:13px;padding:0 0 8px}
th{font-weight:500;font-size:12px;color:var(--mut);text-align:left;border-bottom:1px solid var(--axis);padding:4px 20px 6px 0;vertical-align:bottom}
td{padding:6px 20px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th:last-child,td:last-child{padding-right:0}.r{text-align:right;white-space:nowrap}
.kv{margin:20px 0}.kv b{display:block;font-size:13px;font-weight:600;padding-bottom:6px}
.kv dl{display:grid;grid-template-columns:1fr 1fr;gap:0 36px;margin:0}
.kv div{display:flex;justify-content:space-between;gap:16px;border-bottom:1px solid var(--line);padding:5px 0;font-size:14px;min-width:0}
.kv dt{color:var(--mut);flex:none;max-width:50%}.kv dd{margin:0;text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:anywhere;min-width:0}.kv dd small{color:var(--mut);margin-left:4px}
pre{font:12.5px/1.55 var(--mono);background:var(--panel);border-radius:6px;padding:14px 16px;margin:8px 0 20px;overflow-x:auto;tab-size:2}
.cap{font-size:13px;font-weight:600;margin:20px 0 0}
details{margin:20px 0}summary{cursor:pointer;font-size:13px;font-weight:600;color:var(--ink)}summary::marker{color:var(--acc)}
.sample{border-left:2px solid var(--acc);padding:2px 0 2px 18px;margin:22px 0}
.sample p{font:16px/1.65 var(--serif);white-space:pre-wrap;overflow-wrap:anywhere;margin:4px 0}
.sample .prompt{color:var(--mut)}
.sample small,.cap+pre+small{display:block;font-size:12px;color:var(--mut)}
:lang(zh){line-height:1.75}:lang(zh),:lang(ja),:lang(ko){letter-spacing:0}
.note{border-radius:6px;background:var(--panel);padding:10px 16px;margin:20px 0;font-size:14px;overflow-wrap:anywhere}
.note b{margin-right:8px}.warning,.error{background:var(--tint)}.warning b,.error b{color:var(--acc)}
.tree,.tree ul{list-style:none;margin:0;padding:0}.tree{margin:20px 0;font-size:14px;line-height:1.5}
.tree ul{margin-left:7px}
.tree ul li{position:relative;padding-left:22px;border-left:1px solid var(--axis)}
.tree ul li:last-child{border-left-color:transparent}
.tree ul li::before{content:"";position:absolute;left:-1px;top:0;width:15px;height:15px;border:1px solid var(--axis);border-width:0 0 1px 1px;border-bottom-left-radius:4px}
.tree span{display:block;padding:4px 0;overflow-wrap:anywhere}.tree code{font:12.5px var(--mono)}
.tree em{font-style:normal;color:var(--acc);font-size:12px;margin-right:8px}.tree small{color:var(--mut);margin-left:10px;font-size:12px}
footer{margin-top:64px;padding-top:14px;border-top:1px solid var(--line);font-size:12px;color:var(--mut);overflow-wrap:anywhere}
@media (min-width:1120px){.page{max-width:1080px;grid-template-columns:168px minmax(0,1fr);column-gap:56px}
header,footer{grid-column:2}nav{grid-column:1;grid-row:1/span 3}nav div{position:sticky;top:32px;border-top:3px solid var(--line);padding-top:20px}
nav ol{display:block}nav li{padding:3px 0}nav b{display:block;font-size:11px;letter-spacing:.14em;text-transform:uppercase;color:var(--mut);font-weight:600;margin-bottom:6px}
main,header,footer{grid-column:2}header{grid-row:1}main>section:first-child{margin-top:12px}}
@media (max-width:620px){.page{padding:28px 18px 48px}h1{font-size:27px}.figs{grid-template-columns:1fr 1fr;gap:0 20px}.fig .v{font-size:22px;white-space:normal}
.grid,.kv dl{grid-template-columns:1fr}.wide{display:none}.narrow{display:block}section{margin-top:38px}}
@media print{:root{--bg:#fff;--ink:#000;--mut:#555;--line:#ddd;--axis:#999;--panel:#f6f6f6}body{font-size:11pt}.page{display:block;max-width:none;padding:0}
nav{display:none}figure,.sample,tr,.fig,.kv div,.note{break-inside:avoid}h2{break-after:avoid}pre{white-space:pre-wrap}.scroll{overflow:visible}
details::details-content{content-visibility:visible;block-size:auto}}
)css";

}  // namespace athanor
