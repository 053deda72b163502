{# Numbers sort by their full value in data-v, texts as people would, and empty cells come last
   whichever way round. Equal rows keep their order. #}
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
