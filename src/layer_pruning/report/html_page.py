"""A page of HTML that needs nothing but a browser.

Snakemake's report shows HTML but offers a CSV only as a download. A page holds its own few lines
of style and script and loads nothing from elsewhere.
"""

from html import escape
from pathlib import Path

from layer_pruning.atomic import written_whole

STYLE = """
:root{color-scheme:light dark;--ground:#fff;--ink:#1a1a1a;--soft:#555;--line:#ddd;--tint:#f3f6f9;
--head:#f0f0f0;--mark:#0072B2;--warn:#8a4b00;--warn-ground:#fff4e0}
@media(prefers-color-scheme:dark){:root{--ground:#16191d;--ink:#e8e8e8;--soft:#adb3ba;--line:#3a4048;
--tint:#1f252c;--head:#262c33;--mark:#6db9e8;--warn:#ffc36b;--warn-ground:#33270f}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:84rem;
margin:1.2rem auto;padding:0 1rem}
a{color:var(--mark)}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.1rem 0 .3rem}
h3{font-size:.95rem;margin:.8rem 0 .2rem}p{margin:.3rem 0}
ul{margin:.3rem 0;padding-left:1.2rem}
.warning{color:var(--warn);background:var(--warn-ground);padding:.3rem .6rem;border-radius:4px}
.answers{display:grid;grid-template-columns:11rem 1fr;gap:.3rem .9rem;margin:.3rem 0;
padding:.6rem .8rem;background:var(--tint);border-left:4px solid var(--mark)}
.answers dt{color:var(--soft)}.answers dd{margin:0}
@media(max-width:45rem){.answers{display:block}.answers dd{margin:0 0 .5rem}}
dl.sources{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem}
dl.sources dd{margin:0}.about{font-size:12.5px;color:var(--soft);margin:.6rem 0 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:12.5px;margin:.4rem 0}
th,td{padding:.22rem .4rem;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{background:var(--head);position:sticky;top:0;vertical-align:bottom;white-space:normal}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid var(--mark)}
th[aria-sort=ascending] button::after{content:" \\25B2"}
th[aria-sort=descending] button::after{content:" \\25BC"}
td.text,th.text{text-align:left}
td.text{max-width:40rem;overflow:hidden;text-overflow:ellipsis}
td.absent{color:var(--soft);font-style:italic}
tr.baseline td{background:var(--tint);font-weight:600}
pre{background:var(--tint);padding:.6rem .8rem;font-size:12px;overflow-x:auto}
small,.sources{font-size:12.5px;color:var(--soft)}code{font-size:12px}
"""


# Numbers sort by their full value in data-v, texts as people would, and empty cells come last
# whichever way round. Equal rows keep their order.
SCRIPT = """
function order(one,other,numeric,down){
if(one===""||other===""){return (one==="")-(other==="")}
var by=numeric?one-other:one.localeCompare(other,undefined,{numeric:true});
return down?-by:by}
function sortBy(head){
var row=head.parentNode,body=row.parentNode.parentNode.tBodies[0];
var column=Array.prototype.indexOf.call(row.cells,head);
var numeric=head.hasAttribute("data-numeric");
var down=head.getAttribute("aria-sort")==="ascending";
Array.prototype.forEach.call(row.cells,function(cell){cell.removeAttribute("aria-sort")});
head.setAttribute("aria-sort",down?"descending":"ascending");
function key(item){var cell=item.cells[column];
return numeric?cell.getAttribute("data-v"):cell.textContent.trim()}
var rows=Array.prototype.slice.call(body.rows);
rows.sort(function(one,other){return order(key(one),key(other),numeric,down)});
rows.forEach(function(item){body.appendChild(item)})}
document.querySelectorAll("th button").forEach(function(button){
button.addEventListener("click",function(){sortBy(button.parentNode)})});
"""


def page(title: str, body: str, style: str = "", script: str = "") -> str:
    """A whole HTML document; ``title`` is text, ``body`` is HTML, the others are added to ours."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head>\n"
        f"<body>\n{body}\n<script>{SCRIPT}{script}</script></body></html>\n"
    )


def write_html(html: str, path: str | Path) -> None:
    """Write a page whole."""
    with written_whole(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def folded(title: str, html: str) -> str:
    """HTML that shows its title, and the rest on request; ``title`` is text, ``html`` is HTML."""
    return f"<details><summary>{escape(title)}</summary>{html}</details>"


def body_of(html: str) -> str:
    """What a page that :func:`page` made has in its body, without its heading and script."""
    inner = html.partition("<body>")[2].rpartition("<script>")[0]
    before, _, after = inner.partition("</h1>")
    return after if after else before
