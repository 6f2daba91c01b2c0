/// The style sheet of report pages: light, dark and print; colours that people with colour blindness can tell apart.
#pragma once

namespace portier::load {

/// Every page of plots uses it; what a plot needs is below "plots".
inline constexpr const char* report_style = R"css(
:root { color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #17202c; --quiet: #55606f; --edge: #d9dee6; --grid: #e3e7ed; --fine: #f0f2f5;
  --s1: #1761b0; --s2: #b4540a; --s3: #7a3fa0; --s4: #5f6b7a;
  --good: #1761b0; --bad: #b3261e; --limited: #9a6700; --mark: #17202c; --accent: #1761b0;
  --warn-back: #fff6e0; --warn-edge: #d9a520; }
@media screen and (prefers-color-scheme: dark) { :root {
  --page: #10151c; --card: #19212b; --text: #e7ecf2; --quiet: #a3afbd; --edge: #2e3946; --grid: #2a3440; --fine: #212a34;
  --s1: #6cb2ff; --s2: #f2a65a; --s3: #cf9df0; --s4: #98a4b3;
  --good: #6cb2ff; --bad: #ff8a80; --limited: #e8c547; --mark: #e7ecf2; --accent: #6cb2ff;
  --warn-back: #2d2716; --warn-edge: #b98a1b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 24px 56px; }
header p { margin: 0; color: var(--quiet); font-size: 14px; }
h1 { font-size: 15px; font-weight: 600; margin: 0; color: var(--accent); }
.verdict { font-size: 27px; line-height: 1.25; font-weight: 650; margin: 4px 0 8px; color: var(--text);
  overflow-wrap: anywhere; text-wrap: balance; }
h2 { font-size: 18px; margin: 34px 0 12px; }
h3 { font-size: 15px; margin: 0 0 4px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(168px, 1fr)); gap: 12px; margin: 22px 0 0;
  padding: 0; list-style: none; }
.tiles li, figure, .card, details { background: var(--card); border: 1px solid var(--edge); border-radius: 10px; }
.tiles li { padding: 12px 16px; }
.tiles span { display: block; font-size: 13px; color: var(--quiet); }
.tiles b { display: block; font-size: 21px; font-weight: 650; font-variant-numeric: tabular-nums; white-space: nowrap; }
.warnings { margin: 20px 0 0; padding: 12px 16px 12px 34px; background: var(--warn-back); border-radius: 10px;
  border: 1px solid var(--warn-edge); }
.warnings li { margin: 2px 0; overflow-wrap: anywhere; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
figure { margin: 0; padding: 16px 18px 12px; min-width: 0; }
figcaption { font-size: 13px; color: var(--quiet); margin-top: 4px; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0 0 6px; padding: 0; font-size: 13px;
  color: var(--quiet); }
.legend li { display: flex; align-items: center; gap: 6px; }
.legend i { width: 18px; height: 0; border-top: 3px solid var(--s1); }
.legend i.s1 { border-color: var(--s1); } .legend i.s2 { border-color: var(--s2); }
.legend i.s3 { border-color: var(--s3); } .legend i.s4 { border-color: var(--s4); }
.legend i.dashed { border-top-style: dashed; } .legend i.dotted { border-top-style: dotted; }
.legend i.reference { border-top: 2px dashed var(--quiet); }
.legend i.good, .legend i.limited, .legend i.bad { width: 11px; height: 11px; border: 0; }
.legend i.good { border-radius: 50%; background: var(--good); }
.legend i.limited { background: var(--limited); clip-path: polygon(50% 0, 100% 100%, 0 100%); }
.legend i.bad { background: var(--bad);
  clip-path: polygon(12% 0, 50% 38%, 88% 0, 100% 12%, 62% 50%, 100% 88%, 88% 100%, 50% 62%, 12% 100%, 0 88%, 38% 50%, 0 12%); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--edge); white-space: nowrap; }
th { color: var(--quiet); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child, .text th, .text td { text-align: left; }
.text td { white-space: normal; }
tbody tr:last-child td { border-bottom: 0; }
td.name { max-width: 26em; overflow: hidden; text-overflow: ellipsis; }
td.bad { color: var(--bad); font-weight: 600; } td.limited { color: var(--limited); font-weight: 600; }
tr.shown td { background: color-mix(in srgb, var(--accent) 10%, transparent); }
.card { padding: 6px 8px; }
dl { display: grid; grid-template-columns: minmax(110px, max-content) 1fr; gap: 4px 18px; margin: 0; padding: 10px 12px;
  font-size: 14px; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.notes { font-size: 14px; color: var(--quiet); padding-left: 20px; margin: 8px 0 0; } .notes li { overflow-wrap: anywhere; }
/* plots */
.plot { display: block; width: 100%; height: auto; overflow: visible; }
.plot text { font-size: 13.5px; fill: var(--quiet); font-family: inherit; font-variant-numeric: tabular-nums; }
.plot .axis-title { font-weight: 600; }
.plot .grid { stroke: var(--grid); stroke-width: 1; } .plot .grid.fine { stroke: var(--fine); }
.plot .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.plot .thin { stroke-width: 1.4; } .plot .dashed { stroke-dasharray: 7 5; } .plot .dotted { stroke-dasharray: 2 4; }
.plot .s1 { stroke: var(--s1); } .plot .s2 { stroke: var(--s2); } .plot .s3 { stroke: var(--s3); }
.plot .s4 { stroke: var(--s4); } .plot .quiet { stroke: var(--s4); stroke-width: 1; opacity: 0.55; }
.plot .dot { stroke: var(--card); stroke-width: 1.2; stroke-dasharray: none; r: 4px; }
.plot .dot.s1 { fill: var(--s1); } .plot .dot.s2 { fill: var(--s2); } .plot .dot.s3 { fill: var(--s3); }
.plot .dot.s4 { fill: var(--s4); }
.plot .good { fill: var(--good); stroke: var(--card); stroke-width: 1.2; }
.plot .bad { stroke: var(--bad); stroke-width: 2.4; fill: none; } .plot .hit { stroke: none; fill: transparent; }
.plot .limited { fill: var(--limited); stroke: var(--card); stroke-width: 1.2; }
.plot .reference { stroke: var(--quiet); stroke-width: 1.4; stroke-dasharray: 5 5; }
.plot .mark { stroke: var(--mark); stroke-width: 1.3; stroke-dasharray: 2 3; }
.plot .mark-label { fill: var(--text); font-weight: 600; paint-order: stroke; stroke: var(--card); stroke-width: 5px; }
@media (max-width: 560px) {
  main { padding: 18px 12px 40px; } .verdict { font-size: 22px; } figure { padding: 12px 10px 8px; }
  .tiles { grid-template-columns: repeat(2, 1fr); gap: 8px; } .tiles li { padding: 10px 12px; } .tiles b { font-size: 18px; }
  .plot text { font-size: 21px; } .plot .alt { display: none; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@page { size: A4; margin: 10mm 12mm; }
@media print {
  :root { --page: #fff; } body { font-size: 9.5pt; } main { max-width: none; padding: 0 1px; }
  .verdict { font-size: 17pt; margin: 2pt 0 4pt; } header p { font-size: 9pt; } .tiles, .warnings { margin-top: 8pt; }
  .warnings { padding: 5pt 12pt 5pt 24pt; }
  h2 { font-size: 12pt; margin: 14pt 0 6pt; break-after: avoid; } .tiles b { font-size: 12pt; } .tiles span { font-size: 8pt; }
  .tiles { grid-template-columns: repeat(5, 1fr); gap: 6pt; } .tiles li { padding: 5pt 8pt; }
  .grid2 { grid-template-columns: 1fr 1fr; gap: 8pt; } figure { padding: 7pt 8pt 4pt; }
  figure, .tiles li, .warnings, tr, dl { break-inside: avoid; } .scroll { overflow: visible; }
  table { font-size: 7.2pt; } th, td { padding: 2pt 3pt; } h3 { font-size: 10pt; } .legend, figcaption { font-size: 8pt; }
  .plot text { font-size: 17px; } .plot .alt { display: none; }
  dl, .notes { font-size: 8.5pt; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; } }
)css";

}  // namespace portier::load
