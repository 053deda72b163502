{# Charts take the place of their pictures, with as many columns of names below as there is room for; a table with many columns gets a filter, a chooser of
   columns and a button for CSV. Of many columns it begins with the first that are neither empty nor
   wide. Without scripts the pictures and the whole tables are there. #}
document.querySelectorAll("script.spec").forEach(function(data){
if(typeof vegaEmbed==="undefined"){return}
var figure=data.parentNode,picture=figure.querySelector("img"),place=document.createElement("div");
place.className="chart";figure.insertBefore(place,picture);
var spec=JSON.parse(data.textContent);
if(place.clientWidth<720){spec.columns=1}
var letters=Math.max.apply(null,spec.data.values.map(function(row){return row.criterion.length}));
spec.config={legend:{orient:"bottom",layout:{bottom:{anchor:"start",direction:"vertical"}},
columns:Math.max(1,Math.floor(place.clientWidth/(6*letters+30)))}};
vegaEmbed(place,spec,{actions:false,renderer:"svg"}).then(function(){
picture.hidden=true;figure.querySelector(".how").hidden=false
}).catch(function(){place.remove()})});
function csvOf(table){return Array.prototype.filter.call(table.rows,function(row){
return !row.hidden}).map(function(row){
return Array.prototype.filter.call(row.cells,function(cell){return !cell.hidden})
.map(function(cell){
var text=cell.dataset.v||cell.textContent.trim();
return /[",\n]/.test(text)?'"'+text.replace(/"/g,'""')+'"':text}).join(",")}).join("\n")}
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
function longest(column){
return Math.max.apply(null,Array.prototype.map.call(table.tBodies[0].rows,function(row){
return row.cells[column]?row.cells[column].textContent.trim().length:0}))}
var left=16;
Array.prototype.forEach.call(heads,function(head,column){
var label=document.createElement("label"),box=document.createElement("input");
var length=longest(column),yes=heads.length<=16||(length>0&&length<40&&left-->0);box.type="checkbox";box.checked=yes;show(column,yes);
box.addEventListener("change",function(){show(column,box.checked)});
label.appendChild(box);label.appendChild(document.createTextNode(head.textContent));
chooser.appendChild(label)});
tools.appendChild(filter);tools.appendChild(save);tools.appendChild(chooser);
var scroll=table.closest(".scroll")||table;scroll.parentNode.insertBefore(tools,scroll)});
