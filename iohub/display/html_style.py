"""The style sheet of the HTML view; works on light and dark pages without knowing which.

Text takes the colour of the page around it, lines and fills are translucent greys, and accents
are mid-tones that stand out on white and on black.
"""

from __future__ import annotations

# Every selector is doubled (.iohub.iohub) to win over the table styles of notebooks.
STYLE = """
.iohub.iohub{font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;
color:inherit;max-width:60rem;margin:.2em 0;text-align:left;
--line:rgba(128,128,128,.28);--soft:rgba(128,128,128,.10);
--full:31,157,150;--warn:#d98a1f;--bad:#d9534f}
.iohub.iohub header{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2em .7em;
padding:0 0 .45em;border-bottom:1px solid var(--line);margin:0 0 .55em}
.iohub.iohub header b{font-size:1.12em;font-weight:600;overflow-wrap:anywhere}
.iohub.iohub .kind{color:rgb(var(--full));font-weight:600}
.iohub.iohub .facts,.iohub.iohub .more{opacity:.66}
.iohub.iohub .state{border:1px solid var(--line);border-radius:1em;padding:0 .6em;
font-size:.85em;opacity:.8}
.iohub.iohub dl{display:grid;grid-template-columns:max-content 1fr;gap:.08em 1.1em;margin:0 0 .5em}
.iohub.iohub dt{opacity:.6;font-weight:400;margin:0;padding:0}
.iohub.iohub dd{margin:0;padding:0;overflow-wrap:anywhere}
.iohub.iohub details{margin:.45em 0 0}
.iohub.iohub details details{margin:.1em 0 .1em 1.1em}
.iohub.iohub summary{cursor:pointer;font-weight:600;padding:.1em 0;width:max-content;
max-width:100%}
.iohub.iohub summary small{font-weight:400;opacity:.6;font-size:1em;padding-left:.35em}
.iohub.iohub .scroll{overflow-x:auto;scrollbar-width:thin;scrollbar-color:var(--line) transparent;
padding:.1em 0 .3em 1.05em}
.iohub.iohub table{border-collapse:collapse;border:0;margin:0;font-size:1em;color:inherit;
table-layout:auto;width:auto;display:table;background:none}
.iohub.iohub tr,.iohub.iohub tbody tr:nth-child(n),.iohub.iohub tr:hover{background:none}
.iohub.iohub th,.iohub.iohub td{border:0;padding:.14em 1.05em .14em 0;text-align:left;
font-variant-numeric:tabular-nums;white-space:nowrap;vertical-align:middle;background:none;
color:inherit}
.iohub.iohub .data th{font-weight:400;opacity:.6;border-bottom:1px solid var(--line)}
.iohub.iohub .data td:nth-child(n){border-bottom:1px solid var(--soft)}
.iohub.iohub .data tr:last-child td{border-bottom:0}
.iohub.iohub .right.right{text-align:right}
.iohub.iohub .ramp{display:inline-block;width:5.2em;height:.85em;border-radius:3px;
box-shadow:inset 0 0 0 1px var(--line);vertical-align:-.08em}
.iohub.iohub .ramp.none{background:repeating-linear-gradient(135deg,var(--line) 0 2px,
transparent 2px 6px)}
.iohub.iohub .name{display:inline-block;border:1px solid var(--line);border-radius:1em;
padding:0 .7em;margin:.12em .35em .12em 0}
.iohub.iohub .notes{margin:0 0 .6em;padding:.3em .8em;border-left:3px solid var(--bad);
background:rgba(217,83,79,.09);list-style:none}
.iohub.iohub .notes li{margin:0;white-space:pre-wrap;overflow-wrap:anywhere}
.iohub.iohub .plate{border-collapse:separate;border-spacing:2px}
.iohub.iohub .plate th{font-weight:400;opacity:.6;padding:0 .25em;text-align:center;font-size:.85em}
.iohub.iohub .plate th[scope=row]{text-align:right;padding-right:.5em}
.iohub.iohub .plate td{min-width:1.9em;height:1.9em;padding:0 .15em;text-align:center;
border-radius:5px;box-sizing:border-box;font-size:.88em;cursor:default;line-height:1}
.iohub.iohub .plate td.none{color:rgba(128,128,128,.6)}
.iohub.iohub .key{display:inline-block;width:1.3em;height:1.3em;border-radius:4px;
vertical-align:middle;margin-right:.45em;text-align:center;line-height:1.3;font-size:.85em;font-style:normal}
.iohub.iohub .well{background:rgba(var(--full),calc(.14 + .36*var(--f,1)))}
.iohub.iohub .unknown{background:rgba(var(--full),.22)}
.iohub.iohub .partial{background:rgba(217,138,31,.30);
box-shadow:inset 0 0 0 2px var(--warn)}
.iohub.iohub .unreadable{background:rgba(217,83,79,.28);
box-shadow:inset 0 0 0 2px var(--bad);color:var(--bad);font-weight:700}
.iohub.iohub .empty{box-shadow:inset 0 0 0 1px var(--line)}
.iohub.iohub .small td{min-width:1.75em;height:1.75em;padding:0;font-size:.8em;border-radius:4px}
.iohub.iohub .small th{padding:0;font-size:.78em}
.iohub.iohub .tiny{border-spacing:1px}
.iohub.iohub .tiny td{min-width:11px;width:11px;height:11px;font-size:8px;border-radius:2px;
padding:0}
.iohub.iohub .tiny th{font-size:9px;padding:0;line-height:11px;max-width:11px;
overflow:visible;white-space:nowrap}
.iohub.iohub .tiny th[scope=row]{max-width:none;padding-right:.5em}
.iohub.iohub .legend{display:flex;flex-wrap:wrap;gap:.1em 1.2em;padding:.45em 0 0}
.iohub.iohub .tree{margin:0}
.iohub.iohub .tree div{padding-left:2.15em;margin:.1em 0}
"""
