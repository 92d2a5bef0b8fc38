// The look of a report, but for its charts (chart_style), and its one script. Both stand in the page itself.
#pragma once

namespace cohort {

constexpr const char* kReportStyle = R"css(
:root{color-scheme:light dark;--page:#f7f7f4;--card:#fff;--ink:#15171a;--soft:#5c6168;--faint:#8d939b;--rule:#e4e4de;--good:#0c7a43;
--bad:#b3342a;--accent:#2a6fdb;--tint:#eef4fd}
@media(prefers-color-scheme:dark){:root{--page:#101214;--card:#191c1f;--ink:#eceef0;--soft:#a4abb3;--faint:#767d86;--rule:#2b2f34;
--good:#4fc78a;--bad:#f0857b;--accent:#6ea6ff;--tint:#1b2740}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:40px 24px 64px}
header .brand{font-weight:700;letter-spacing:.14em;text-transform:uppercase;font-size:12px;color:var(--accent)}
h1{font-size:34px;line-height:1.15;margin:6px 0 8px;letter-spacing:-.02em;overflow-wrap:anywhere}
h2{font-size:19px;margin:44px 0 14px;letter-spacing:-.01em}
.lead{color:var(--soft);margin:0;overflow-wrap:anywhere}
.lead b{color:var(--ink);font-weight:600}
.note{color:var(--soft);margin:-8px 0 14px;font-size:14px}
.card{background:var(--card);border:1px solid var(--rule);border-radius:12px;margin:0;padding:18px 20px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:14px;margin-top:26px}
.tile small{display:block;color:var(--soft);font-size:13px}
.tile b{display:block;font-size:27px;line-height:1.25;letter-spacing:-.02em;font-variant-numeric:tabular-nums}
.tile.hero{grid-column:span 2;background:var(--tint);border-color:transparent}
.tile.hero b{font-size:38px}
.tile.hero i{font-style:normal;color:var(--faint);font-weight:400;padding:0 .15em}
.tile em{font-style:normal;color:var(--soft);font-size:13px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:9px 12px;border-bottom:1px solid var(--rule);white-space:nowrap}
th{color:var(--soft);font-weight:500;font-size:13px}
th:first-child,td:first-child{text-align:left;padding-left:0}
th:last-child,td:last-child{padding-right:0}
tr:last-child td{border-bottom:0}
td small{color:var(--soft);padding-left:.5em}
.scroll{overflow-x:auto}
.up{color:var(--good)}.down{color:var(--bad)}
.ranges{display:block;width:100%;margin-top:8px}
.ranges text{fill:var(--soft);font-size:9.5px}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:16px}
.chart{padding:14px 16px 10px;position:relative}
.wide{max-width:860px;margin-top:26px}
figcaption{display:flex;flex-wrap:wrap;align-items:baseline;gap:2px 10px;margin-bottom:6px}
figcaption b{font-weight:600;font-size:14px}
figcaption .latest{margin-left:auto;font-weight:600;font-variant-numeric:tabular-nums}
figcaption small{flex-basis:100%;color:var(--soft);font-size:12px}
svg{display:block;width:100%;height:auto}
.grid{stroke:var(--rule);stroke-width:1}
.tick{fill:var(--faint);font-size:12px;font-variant-numeric:tabular-nums}
.line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.band{opacity:.16;stroke:none}.area{stroke:none;opacity:.85}
.cursor{stroke:var(--faint);stroke-width:1;stroke-dasharray:3 3;visibility:hidden}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;color:var(--soft);font-size:12px;min-height:18px}
.legend i{display:inline-block;width:9px;height:9px;border-radius:3px;margin-right:6px}
.legend u{text-decoration:none;color:var(--ink);font-variant-numeric:tabular-nums;padding-left:.4em}
.sample{margin-bottom:14px}
.prompt,.completion{white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:0}
.prompt{color:var(--soft);padding-bottom:12px;margin-bottom:12px;border-bottom:1px solid var(--rule)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:24px}
.pair>div{min-width:0}
.label{display:flex;flex-wrap:wrap;gap:6px;align-items:center;font-size:12px;color:var(--soft);margin-bottom:6px}
.chip{border-radius:99px;padding:1px 9px;border:1px solid var(--rule);font-variant-numeric:tabular-nums}
.chip.up{border-color:currentColor}
details summary{cursor:pointer;color:var(--soft);font-size:13px}
details.think{margin-bottom:6px}
details.think .completion{color:var(--soft);border-left:3px solid var(--rule);padding-left:10px;margin:6px 0}
pre.code{overflow-x:auto;font:13px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;margin:10px 0 0}
footer{color:var(--faint);font-size:13px;margin-top:44px}
@media(max-width:720px){.pair{grid-template-columns:1fr}main{padding:24px 16px}.tile.hero{grid-column:span 1}.tile.hero b{font-size:28px}
.charts{grid-template-columns:1fr}}
@media print{.card{break-inside:avoid}}
)css";

// Shows the values under the pointer in a chart's legend.
constexpr const char* kReportScript = R"js(
for (const figure of document.querySelectorAll('.chart')) {
  const steps = JSON.parse(figure.dataset.steps), places = JSON.parse(figure.dataset.x), series = JSON.parse(figure.dataset.series);
  const percent = figure.dataset.percent === '1', svg = figure.querySelector('svg'), width = svg.viewBox.baseVal.width, cursor = figure.querySelector('.cursor');
  const labels = [...figure.querySelectorAll('.legend span')], names = labels.map(label => label.lastChild.textContent);
  const text = v => v === null ? '–' : percent ? (100 * v).toFixed(1) + '%' : String(Number(v.toPrecision(4)));
  const clear = () => {
    cursor.style.visibility = 'hidden';
    labels.forEach((label, k) => label.lastChild.textContent = names[k]);
  };
  svg.addEventListener('pointerleave', clear);
  svg.addEventListener('pointermove', event => {
    const box = svg.getBoundingClientRect(), at = (event.clientX - box.left) / box.width * width;
    let i = 0;
    places.forEach((place, j) => { if (Math.abs(place - at) < Math.abs(places[i] - at)) i = j; });
    const x = places[i];
    cursor.setAttribute('x1', x);
    cursor.setAttribute('x2', x);
    cursor.style.visibility = 'visible';
    labels.forEach((label, k) => {
      label.lastChild.textContent = names[k] + '  ' + text(series[k].v[i]) + (k ? '' : '  at ' + Math.round(steps[i]));
    });
  });
}
)js";

}  // namespace cohort
