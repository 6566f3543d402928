/** The style sheet of a report: one column of text, wide figures, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --raised: #ffffff; --ink: #1d1c1a; --soft: #6a665e; --line: #e4e0d8;
  --accent: #c4511d; --data: #2b6c8a; --third: #6b7d2a; --wash: #f3efe7;
  --serif: 'Iowan Old Style', 'Palatino Linotype', Palatino, 'Book Antiqua', Georgia, serif;
  --sans: system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif;
  --mono: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #151513; --raised: #1d1d1a; --ink: #ebe8e1; --soft: #a09b90; --line: #33312d;
    --accent: #f08a52; --data: #74b8d6; --third: #b3c464; --wash: #22211e;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.6 var(--sans); font-variant-numeric: tabular-nums; }
main, footer { max-width: 1120px; margin: 0 auto; padding: 0 28px; }
header { padding: 56px 0 8px; }
.mark { display: flex; align-items: center; gap: 10px; margin: 0 0 28px; font-size: 13px; letter-spacing: .04em; color: var(--soft); }
.mark svg { width: 34px; height: 18px; color: var(--accent); }
h1 { margin: 0; font: 600 clamp(32px, 5.2vw, 52px)/1.1 var(--serif); letter-spacing: -.015em; text-wrap: balance; }
h2 { margin: 72px 0 6px; font: 600 26px/1.25 var(--serif); letter-spacing: -.01em; }
h3 { margin: 0; font: 600 15px/1.4 var(--sans); }
p { margin: 0 0 14px; }
.lead { max-width: 46em; margin: 16px 0 0; font: 19px/1.6 var(--serif); color: var(--soft); text-wrap: pretty; }
.text { max-width: 44em; font: 17.5px/1.68 var(--serif); text-wrap: pretty; }
.text p:last-child { margin-bottom: 0; }
.hint { max-width: 44em; margin: 0 0 22px; color: var(--soft); }
.notice { margin: 26px 0 0; padding: 14px 18px; border-left: 3px solid var(--accent); background: var(--wash); }
.facts { display: flex; flex-wrap: wrap; gap: 14px 44px; margin: 30px 0 0; padding: 20px 0; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
.facts div { min-width: 96px; }
.facts dt, .label { font-size: 12.5px; color: var(--soft); }
.facts dd { margin: 0; font: 600 21px/1.35 var(--sans); letter-spacing: -.01em; }
.facts small { display: inline-block; line-height: 1.3; font-size: 13px; font-weight: 400; color: var(--soft); letter-spacing: 0; }
figure { margin: 0; }
figcaption { margin: 12px 0 0; color: var(--soft); font-size: 14.5px; line-height: 1.5; }
figcaption b { color: var(--ink); }
.pair { display: grid; grid-template-columns: minmax(0, 1.62fr) minmax(0, 1fr); gap: 40px; align-items: start; margin: 36px 0 0; }
.picture { display: block; width: 100%; height: auto; border-radius: 3px; }
.pixels { image-rendering: pixelated; }
.points { border: 1px solid var(--line); background: var(--raised); }
.film { display: grid; grid-template-columns: minmax(0, 480px) minmax(0, 1fr); gap: 40px; align-items: center; margin: 26px 0 0; }
.when { font: 600 44px/1.1 var(--serif); letter-spacing: -.02em; }
.controls { display: flex; align-items: center; gap: 16px; margin: 22px 0 0; }
.controls button { flex: none; width: 46px; height: 46px; border: 0; border-radius: 50%; background: var(--accent); color: var(--paper); cursor: pointer; }
#sampling .charts { margin-top: 34px; }
.controls a { color: inherit; text-underline-offset: 3px; }
.controls button svg { display: block; width: 18px; height: 18px; margin: auto; fill: currentColor; }
.controls button:focus-visible, input:focus-visible { outline: 2px solid var(--data); outline-offset: 3px; }
.controls[hidden] { display: none; }
input[type=range] { flex: 1; min-width: 0; height: 24px; margin: 0; accent-color: var(--accent); cursor: pointer; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); gap: 44px 48px; margin: 26px 0 0; }
.charts svg { display: block; width: 100%; height: auto; margin: 6px 0 0; overflow: visible; }
.charts p { margin: 6px 0 0; color: var(--soft); font-size: 14.5px; line-height: 1.5; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(180px, 1fr)); gap: 24px; margin: 26px 0 0; }
.charthead { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 18px; }
.key { font-size: 13px; color: var(--soft); }
.key i { display: inline-block; width: 16px; height: 3px; margin-right: 7px; border-radius: 2px; vertical-align: middle; }
table { width: 100%; border-collapse: collapse; font-size: 14.5px; }
th, td { padding: 7px 16px 7px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: baseline; font-weight: 400; }
td.number { font-family: var(--mono); font-size: 13.5px; white-space: nowrap; }
th { color: var(--soft); }
.pair h3 { margin: 30px 0 4px; }
.scores td.number { font: 600 22px/1.3 var(--sans); text-align: right; padding-right: 0; vertical-align: top; }
.scores th { color: var(--ink); padding-right: 24px; }
.scores .note { margin: 2px 0 0; color: var(--soft); font-size: 13px; line-height: 1.45; }
.groups { columns: 3 300px; column-gap: 48px; margin: 24px 0 0; }
.groups section { break-inside: avoid; margin: 0 0 32px; }
.groups h3 { padding: 0 0 6px; border-bottom: 1px solid var(--ink); }
.groups td { text-align: right; padding-right: 0; overflow-wrap: anywhere; white-space: normal; }
.groups .changed { color: var(--accent); font-weight: 600; }
.bar { display: flex; height: 12px; margin: 22px 0 14px; border-radius: 6px; overflow: hidden; gap: 2px; }
.bar i { display: block; min-width: 2px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 0 56px; }
pre { margin: 18px 0 0; padding: 18px 20px; overflow-x: auto; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); font: 13.5px/1.75 var(--mono); }
pre .comment { color: var(--soft); }
code { font: .88em var(--mono); }
.formula { margin: 18px 0; padding: 2px 0 2px 20px; border-left: 2px solid var(--line); font: italic 18.5px/1.6 var(--serif); }
footer { margin-top: 84px; padding-top: 22px; padding-bottom: 56px; color: var(--soft); font-size: 13.5px; }
footer div { border-top: 1px solid var(--line); padding-top: 18px; }
@media (max-width: 760px) {
  main, footer { padding-left: 18px; padding-right: 18px; }
  header { padding-top: 32px; }
  .mark { margin-bottom: 20px; }
  .lead { font-size: 17px; }
  .text { font-size: 16.5px; }
  h2 { margin-top: 56px; font-size: 23px; }
  .facts { display: grid; grid-template-columns: 1fr 1fr; gap: 16px 20px; }
  .pair, .film { grid-template-columns: minmax(0, 1fr); gap: 26px; }
  .when { font-size: 32px; }
  .controls { margin-top: 12px; }
  th, td { padding-right: 12px; }
}
@media print { .controls { display: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
`;
