"""A page of HTML that needs nothing but a browser.

Snakemake's report shows HTML but offers a CSV only as a download. A page holds its own few lines
of style and script and loads nothing from elsewhere.
"""

from html import escape
from pathlib import Path

from layer_pruning.atomic import written_whole

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:84rem;
margin:1.2rem auto;padding:0 1rem}
h1{font-size:1.4rem;margin:.2rem 0}h2{font-size:1.1rem;margin:1.1rem 0 .3rem}
h3{font-size:.95rem;margin:.8rem 0 .2rem}p{margin:.3rem 0}
ul{margin:.3rem 0;padding-left:1.2rem}
.answers{display:grid;grid-template-columns:11rem 1fr;gap:.3rem .9rem;margin:.3rem 0;
padding:.6rem .8rem;background:#f3f6f9;border-left:4px solid #0072B2}
.answers dt{color:#444}.answers dd{margin:0}
@media(max-width:45rem){.answers{display:block}.answers dd{margin:0 0 .5rem}}
dl.sources{display:grid;grid-template-columns:max-content 1fr;gap:.15rem .9rem}
dl.sources dd{margin:0}.about{font-size:12.5px;color:#555;margin:.6rem 0 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:12.5px;margin:.4rem 0}
th,td{padding:.22rem .4rem;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}
th{background:#f0f0f0;position:sticky;top:0;vertical-align:bottom;white-space:normal}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid #0072B2}
th[aria-sort=ascending] button::after{content:" \\25B2"}
th[aria-sort=descending] button::after{content:" \\25BC"}
td.text,th.text{text-align:left}td.text{max-width:40rem;overflow:hidden;text-overflow:ellipsis}td.absent{color:#767676;font-style:italic}
tr.baseline td{background:#f7f7f7;font-weight:600}
pre{background:#f7f7f7;padding:.6rem .8rem;font-size:12px;overflow-x:auto}
small,.sources{font-size:12.5px;color:#555}code{font-size:12px}
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


def page(title: str, body: str) -> str:
    """A whole HTML document; ``title`` is text, ``body`` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n<script>{SCRIPT}</script></body></html>\n"
    )


def write_html(html: str, path: str | Path) -> None:
    """Write a page whole."""
    with written_whole(path) as temporary:
        temporary.write_text(html, encoding="utf-8")


def folded(title: str, html: str) -> str:
    """HTML that shows its title, and the rest on request; ``title`` is text, ``html`` is HTML."""
    return f"<details><summary>{escape(title)}</summary>{html}</details>"
