/// Programs of pages.
enum PageScript {
  /// Tables with a search box, and headings that sort.
  static let tables = """
    (function(){
    'use strict';
    document.querySelectorAll('table.data').forEach(function(table){
      var body=table.tBodies[0],rows=Array.prototype.slice.call(body.rows),total=rows.length;
      var texts=rows.map(function(row){return row.textContent.toLowerCase();});
      if(table.hasAttribute('data-search')){
        var bar=document.createElement('div'),box=document.createElement('input'),count=document.createElement('output');
        bar.className='search';box.type='search';box.placeholder='Search';
        box.setAttribute('aria-label','Search in this table');
        bar.appendChild(box);bar.appendChild(count);
        table.parentNode.parentNode.insertBefore(bar,table.parentNode);
        var apply=function(){
          var words=box.value.toLowerCase().split(/\\s+/).filter(Boolean),shown=0;
          rows.forEach(function(row,i){
            var fits=words.every(function(word){return texts[i].indexOf(word)>=0;});
            row.hidden=!fits;if(fits)shown++;
          });
          count.textContent=shown===total?total+' rows':shown+' of '+total+' rows';
        };
        box.addEventListener('input',apply);apply();
      }
      Array.prototype.forEach.call(table.tHead.rows[0].cells,function(cell,column){
        var button=document.createElement('button');
        while(cell.firstChild)button.appendChild(cell.firstChild);
        cell.appendChild(button);
        button.addEventListener('click',function(){
          var down=cell.getAttribute('aria-sort')==='ascending';
          Array.prototype.forEach.call(table.tHead.rows[0].cells,function(c){c.removeAttribute('aria-sort');});
          cell.setAttribute('aria-sort',down?'descending':'ascending');
          var value=function(row){
            var c=row.cells[column],raw=c.getAttribute('data-value');
            return raw===null?c.textContent:parseFloat(raw);
          };
          rows.map(function(row){return [value(row),row];}).sort(function(a,b){
            var order=typeof a[0]==='number'?a[0]-b[0]:a[0].localeCompare(b[0],'en',{numeric:true});
            return down?-order:order;
          }).forEach(function(pair){body.appendChild(pair[1]);});
        });
      });
    });
    })();
    """
}
