/** Of the report; the colours are those of the page (console/page.css). */
export const STYLE = `
:root{--ink:#1d2733;--soft:#55606c;--rule:#e1e5ea;--ground:#f3f5f7;--panel:#fff;--figure:#17456e;--bar:#5b8fc2}
@media (prefers-color-scheme:dark){:root{--ink:#e6ebf0;--soft:#a5b1bc;--rule:#2c3742;--ground:#0f151b;--panel:#182129;--figure:#a9d3f7;--bar:#5b8fc2}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1200px;margin:0 auto;padding:16px}
h1{font-size:1.5rem;margin:.2em 0}h2{font-size:1.1rem;margin:0 0 .4em}
header p,.note,figcaption{color:var(--soft);font-size:.9em}
section{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:16px;margin:16px 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:8px;margin:16px 0}
.tile{background:var(--panel);border:1px solid var(--rule);border-radius:8px;padding:12px}
.tile b{display:block;font-size:1.6rem;color:var(--figure);font-variant-numeric:tabular-nums}.tile span{color:var(--soft)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:6px 10px 6px 0;border-bottom:1px solid var(--rule);overflow-wrap:break-word}
td code{overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600;font-size:.9em}
.number{font-variant-numeric:tabular-nums;white-space:nowrap}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:0 24px}
figure{margin:12px 0;max-width:700px}svg{width:100%;height:auto}rect{fill:var(--bar)}
text{fill:var(--ink);font:13px system-ui,sans-serif;text-anchor:middle}
@media (max-width:640px){
section{padding:12px}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{display:block;border-bottom:1px solid var(--rule);padding:6px 0}
td{display:grid;grid-template-columns:8.5em 1fr;border:0;padding:2px 0;overflow-wrap:anywhere}
td::before{content:attr(data-of);color:var(--soft)}
td:empty{display:none}
text{font-size:20px}
}
@media print{body{background:none}section{break-inside:avoid-page}}
`;
