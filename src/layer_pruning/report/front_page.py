"""The report: one page that opens on the answers, and holds everything that they rest on."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from layer_pruning.report.figures.catalog import ENTRIES
from layer_pruning.report.html_page import body_of, folded, page
from layer_pruning.report.wording import capital, signed

LINES = {
    "done": "Pruned",
    "accuracy": "Accuracy",
    "speed": "Speed",
    "energy": "Energy",
    "robustness": "Robustness",
    "cost": "Cost",
    "best": "Best choice",
}
"""The answers of the first screen, and what each is called there."""
LONG_CAPTION = 300
"""Letters; of longer captions the rest is folded away."""
CHART = (
    "A mark is one network and its bar a 95 % interval: point at it for seed, values and interval. "
    "A click in a legend shows one criterion or seed alone, with shift one more; a click beside it "
    "shows all."
)
STYLE = """
.first{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1.2rem;align-items:start}
.first ul{list-style:none;margin:0;padding:0}
.first li{padding:.42rem .7rem;border-left:4px solid var(--mark);background:var(--tint);
margin:0 0 .4rem;display:grid;grid-template-columns:6.2rem 1fr;gap:0 .6rem}
.first li>span{color:var(--soft)}.first li small{grid-column:2}
.first b{font-weight:600}.first .number{font-variant-numeric:tabular-nums}
figure{margin:0 0 1rem}figcaption,.how{font-size:13px;color:var(--soft);max-width:60rem}
figcaption summary{font-weight:400}
figure img,.chart{background:#fff;border-radius:4px;max-width:100%;height:auto}
.chart{color:#1a1a1a;width:100%}
.beside{display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:1.2rem;align-items:start}
nav{font-size:14px;margin:.2rem 0 .6rem}nav a{margin-right:.9rem}
.tools{font-size:13px;margin:.4rem 0;display:flex;flex-wrap:wrap;gap:.6rem;align-items:center}
.tools input,.tools button{font:inherit}.columns label{display:inline-block;margin:0 .8rem .1rem 0}
details{margin:.5rem 0}summary{cursor:pointer;font-weight:600}
@media(max-width:56rem){.first,.beside{grid-template-columns:minmax(0,1fr)}
.first ul{order:-1}.first li{grid-template-columns:1fr}.first li small{grid-column:1}}
@media print{nav,.tools{display:none}details{display:block}}
"""

# Charts take the place of their pictures; a table with many columns gets a filter, a chooser of
# columns and a button for CSV. Without scripts the pictures and the whole tables are there.
SCRIPT = """
document.querySelectorAll("script.spec").forEach(function(data){
if(typeof vegaEmbed==="undefined"){return}
var figure=data.parentNode,picture=figure.querySelector("img"),place=document.createElement("div");
place.className="chart";figure.insertBefore(place,picture);
var spec=JSON.parse(data.textContent);
if(place.clientWidth<720){spec.columns=1;spec.config={legend:{orient:"bottom"}}}
vegaEmbed(place,spec,{actions:false,renderer:"svg"}).then(function(){
picture.hidden=true;figure.querySelector(".how").hidden=false
}).catch(function(){place.remove()})});
function csvOf(table){return Array.prototype.filter.call(table.rows,function(row){
return !row.hidden}).map(function(row){
return Array.prototype.filter.call(row.cells,function(cell){return !cell.hidden})
.map(function(cell){
var text=cell.dataset.v||cell.textContent.trim();
return /[",\\n]/.test(text)?'"'+text.replace(/"/g,'""')+'"':text}).join(",")}).join("\\n")}
document.querySelectorAll("table").forEach(function(table){
var heads=table.tHead?table.tHead.rows[0].cells:[];
if(heads.length<9&&table.tBodies[0]&&table.tBodies[0].rows.length<20){return}
var tools=document.createElement("div");tools.className="tools";
var filter=document.createElement("input");filter.type="search";filter.placeholder="filter rows";
filter.setAttribute("aria-label","filter rows");
filter.addEventListener("input",function(){var wanted=filter.value.toLowerCase();
Array.prototype.forEach.call(table.tBodies[0].rows,function(row){
row.hidden=row.textContent.toLowerCase().indexOf(wanted)<0})});
var save=document.createElement("button");save.textContent="CSV";save.type="button";
save.addEventListener("click",function(){var link=document.createElement("a");
link.href="data:text/csv;charset=utf-8,"+encodeURIComponent(csvOf(table));
link.download="table.csv";link.click()});
var chooser=document.createElement("details"),title=document.createElement("summary");
title.textContent="columns";chooser.appendChild(title);chooser.className="columns";
function show(column,yes){Array.prototype.forEach.call(table.rows,function(row){
if(row.cells[column]){row.cells[column].hidden=!yes}})}
Array.prototype.forEach.call(heads,function(head,column){
var label=document.createElement("label"),box=document.createElement("input");
var yes=heads.length<=16||column<14;box.type="checkbox";box.checked=yes;show(column,yes);
box.addEventListener("change",function(){show(column,box.checked)});
label.appendChild(box);label.appendChild(document.createTextNode(head.textContent));
chooser.appendChild(label)});
tools.appendChild(filter);tools.appendChild(save);tools.appendChild(chooser);
var scroll=table.closest(".scroll")||table;scroll.parentNode.insertBefore(tools,scroll)});
"""


@dataclass(frozen=True)
class Picture:
    """A figure: its name, its SVG file, what is below it, and a chart to take its place."""

    name: str
    file: Path
    caption: str
    """reStructuredText of paragraphs."""
    chart: Mapping[str, Any] | None = None
    title: str = ""


@dataclass(frozen=True)
class PairSection:
    """All about one data set and architecture: its record of ``answers.json``, and figures."""

    record: Mapping[str, Any]
    pictures: Sequence[Picture]
    networks: Mapping[str, str] = field(default_factory=dict)
    """Addresses of the pages of networks, by what they are called."""


def front_page(
    parts: Sequence[PairSection],
    tables: Mapping[str, str],
    *,
    library: str = "",
    title: str = "Layer pruning: what came out",
    further: Mapping[str, str] | None = None,
) -> str:
    """The whole report as one document that loads nothing.

    ``tables`` are pages of tables by their headings, ``library`` is the JavaScript that draws
    charts, and ``further`` are files beside the report, by what they are called.
    """
    body = [f"<h1>{escape(title)}</h1>", _contents(parts, tables)]
    body += [_pair(part, first=place == 0) for place, part in enumerate(parts)]
    body += [
        f'<section id="{_anchor(heading)}">{folded(heading, body_of(html))}</section>'
        for heading, html in tables.items()
    ]
    if further:
        links = ", ".join(f'<a href="{escape(url)}">{escape(n)}</a>' for n, url in further.items())
        body.append(f"<p>Beside this page: {links}.</p>")
    # a script's text ends at the first of these, whatever it means inside
    safe = library.replace("</script", "<\\/script")
    return page(title, "\n".join(body), STYLE, safe + SCRIPT)


def _contents(parts: Sequence[PairSection], tables: Mapping[str, str]) -> str:
    links = {_name(part): _anchor(_name(part)) for part in parts if len(parts) > 1}
    links |= {heading: _anchor(heading) for heading in tables}
    items = "".join(f'<a href="#{anchor}">{escape(name)}</a>' for name, anchor in links.items())
    return f"<nav>{items}</nav>"


def _name(part: PairSection) -> str:
    return f"{part.record['architecture']} on {part.record['dataset']}"


def _anchor(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _pair(part: PairSection, first: bool) -> str:
    record, name = part.record, _name(part)
    warnings = "".join(f'<p class="warning">{escape(text)}</p>' for text in record["warnings"])
    answers = {answer["name"]: answer for answer in record["answers"]}
    pictures = {picture.name: picture for picture in part.pictures if picture.name != "ranks"}
    main = pictures.pop("accuracy", None)
    run = f"{record['dataset']}/{record['architecture']}"
    lines = "".join(
        _line(LINES[key], answers[key], part.networks) for key in LINES if key in answers
    )
    shown = _figure(main) if main else ""
    section = [
        f'<section id="{_anchor(name)}"><h2>{escape(name)}</h2>{warnings}',
        f'<div class="first">{shown}<ul class="verdicts">{lines}</ul></div>'
        if lines
        else f"<p>Only the baseline is here: nothing was removed.</p>{shown}",
        *(_beside(picture, answers) for picture in pictures.values()),
    ]
    if ranks := [picture for picture in part.pictures if picture.name == "ranks"]:
        section.append(folded(ENTRIES["ranks"].heading, "".join(_figure(one) for one in ranks)))
    if part.networks:
        links = "".join(
            f'<li><a href="{escape(url)}">{escape(name)}</a></li>'
            for name, url in part.networks.items()
        )
        section.append(folded(f"A page for each network of {run}", f"<ul>{links}</ul>"))
    return "\n".join([*section, "</section>"])


def number_text(answer: Mapping[str, Any]) -> str:
    """The number behind a verdict with its interval and unit; empty where there is none."""
    # a verdict that says the number needs it no second time
    if answer["number"] is None or (
        answer["unit"] and answer["unit"] in str(answer.get("verdict"))
    ):
        return ""
    change = answer["unit"].startswith("point")
    write = _points if change else _plain
    text = f"{write(answer['number'])} {answer['unit']}"
    if answer["low"] is not None and answer["high"] is not None:
        text += f" [{write(answer['low'])}, {write(answer['high'])}]"
    return text


def _points(value: float) -> str:
    return signed(value / 100)


def _plain(value: float) -> str:
    digits = 2 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}".replace(",", "\u202f").replace("-", "−")


def _line(label: str, answer: Mapping[str, Any], networks: Mapping[str, str]) -> str:
    number = number_text(answer)
    rests = [f'<span class="number">{escape(number)}</span>'] if number else []
    rests += [escape(str(answer[key])) for key in ("test", "n") if answer.get(key)]
    if file := str(answer.get("file") or ""):
        rests.append(_linked(file, networks))
    more = f"<small>{'; '.join(rests)}</small>" if rests else ""
    verdict = escape(capital(str(answer["verdict"])))
    head = f'<li data-answer="{answer["name"]}"><span>{escape(label)}</span>'
    return f"{head}<b>{verdict}</b>{more}</li>"


def _linked(file: str, networks: Mapping[str, str]) -> str:
    """The name of a file, and a link to the first network of which it is one."""
    for name, url in networks.items():
        # names are of the kind seed-0/consensus/removed-05
        folder = name.partition("/")[2]
        if file.startswith(f"{folder}/"):
            path = f"{url.rpartition('/')[0]}/{file.removeprefix(f'{folder}/')}"
            return (
                f'<a href="{escape(path)}"><code>{escape(file)}</code></a> '
                f'(<a href="{escape(url)}">{escape(name)}</a>)'
            )
    return f"<code>{escape(file)}</code>"


def _beside(picture: Picture, answers: Mapping[str, Mapping[str, Any]]) -> str:
    """A figure with the sentences that it proves."""
    sentences = [
        f"<p><small>{escape(answer['question'])}</small><br><b>{escape(answer['verdict'])}</b> "
        f"{answer['evidence']}</p>"
        for name in ENTRIES[picture.name].proves
        if (answer := answers.get(name))
    ]
    heading = f"<h3>{escape(ENTRIES[picture.name].heading)}</h3>"
    if not sentences:
        return f"{heading}{_figure(picture)}"
    return f'{heading}<div class="beside">{_figure(picture)}<div>{"".join(sentences)}</div></div>'


def _figure(picture: Picture) -> str:
    """A picture that needs no other file, a chart to look into if there is one, and a caption."""
    code = base64.b64encode(picture.file.read_bytes()).decode()
    what = picture.title or ENTRIES[picture.name].heading
    image = f'<img alt="{escape(what)}" src="data:image/svg+xml;base64,{code}">'
    data, how = "", ""
    if picture.chart is not None:
        text = json.dumps(picture.chart, allow_nan=False).replace("<", "\\u003c")
        data = f'<script type="application/json" class="spec">{text}</script>'
        how = f'<p class="how" hidden>{CHART}</p>'
    caption = folded_caption(picture.caption)
    return f"<figure>{image}{data}{how}<figcaption>{caption}</figcaption></figure>"


def folded_caption(text: str) -> str:
    """A caption whose first two sentences are shown, and the rest on request."""
    parts = re.split(r"(?<=[.?!])\s+", text.strip(), maxsplit=2)
    if len(text) < LONG_CAPTION or len(parts) < 3:
        return caption_html(text)
    return caption_html(" ".join(parts[:2])) + folded("How to read it", caption_html(parts[2]))


def caption_html(text: str) -> str:
    """Paragraphs of reStructuredText with *emphasis* and ``code`` as HTML."""
    html = escape(text.strip())
    html = re.sub(r"``(.+?)``", r"<code>\1</code>", html)
    html = re.sub(r"\*(\S[^*]*?)\*", r"<em>\1</em>", html)
    return "".join(f"<p>{part}</p>" for part in re.split(r"\n\s*\n", html))


def answer_lines(record: Mapping[str, Any]) -> list[str]:
    """The answers as lines of a terminal: for each data set and architecture, at most seven."""
    lines = []
    for pair in record["families"]:
        lines.append(f"{pair['architecture']} on {pair['dataset']}")
        answers = {answer["name"]: answer for answer in pair["answers"]}
        for key, label in LINES.items():
            if answer := answers.get(key):
                number = number_text(answer)
                verdict = capital(str(answer["verdict"])).rstrip(".")
                lines.append(f"  {label:12}{verdict}{f' ({number})' if number else ''}")
        if not answers:
            lines.append("  only the baseline: nothing was removed")
    return lines
