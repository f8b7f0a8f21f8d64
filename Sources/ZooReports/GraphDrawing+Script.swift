extension GraphDrawing {
  /// Rules of the page beside those of the boxes.
  static let pageStyle = """
    #network{padding-left:clamp(.6rem,2vw,1.2rem);padding-right:clamp(.6rem,2vw,1.2rem)}
    #network h2{display:none}
    .bar{display:flex;flex-wrap:wrap;gap:.5rem .7rem;align-items:center;margin-bottom:.6rem}
    .bar input,.bar button{font:inherit;font-size:.92rem;color:inherit;background:var(--ground);
    border:1px solid var(--line);border-radius:.4rem;padding:.3rem .7rem}
    .bar input{flex:1 1 11rem;max-width:22rem;min-width:0}.bar button{cursor:pointer}
    .bar button:hover{background:var(--hover)}.bar output{color:var(--faint);font-size:.85rem}
    .split{display:grid;grid-template-columns:minmax(0,1fr) 23rem;gap:1.2rem;align-items:start}
    .canvas{overflow-x:auto;padding:.4rem 0 1.5rem}
    .column{display:flex;flex-direction:column;align-items:center;width:max-content;min-width:100%}
    svg.net{display:block;flex:none}.legend svg.net{display:inline-block}
    .r{cursor:pointer;outline:none}.r:hover .b{stroke:var(--accent);stroke-width:1.5}
    .r:focus-visible .b,.r.chosen .b{stroke:var(--accent);stroke-width:2.5}
    details.fold{display:flex;flex-direction:column;align-items:center}
    details.fold>summary{list-style:none;display:flex;flex-direction:column;align-items:center;cursor:pointer}
    details.fold>summary::-webkit-details-marker{display:none}
    details.fold>summary .box{width:236px;background:var(--card);border:1px solid var(--faint);border-radius:6px;
    padding:.4rem .7rem .45rem;font-size:12px;line-height:1.45;box-shadow:3px 3px 0 -1px var(--card),3px 3px 0 0 var(--faint)}
    details.fold>summary:hover .box{background:var(--hover)}
    details.fold>summary:focus-visible{outline:none}details.fold>summary:focus-visible .box{outline:2px solid var(--accent)}
    .box strong::after{content:"  ▸";color:var(--faint)}
    details[open]>summary .box strong::after{content:"  ▾"}
    .box span{display:block;overflow:hidden;text-overflow:ellipsis}
    .box .name{font:10.5px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;color:var(--faint);white-space:nowrap}
    .box .more{color:var(--faint);font-size:11px}
    .box .times{color:var(--accent);font-size:13px}
    .counts{margin:.15rem 0;display:flex!important;gap:3px}
    .counts i{font-style:normal;font-size:10.5px;min-width:1.35rem;padding:0 .3rem;text-align:center;border-radius:3px;
    color:#fff;background:var(--p)}
    .p0{--p:#0072b2}.p1{--p:#b85000}.p2{--p:#007d5b}.p3{--p:#a04a80}.p4{--p:#8f6500}.p5{--p:#2c73a3}.p6{--p:#5b6270}
    .p7{--p:#7a5f31}
    details[open]>summary .closed,details:not([open])>summary .opened{display:none}
    .middle{position:relative;align-self:stretch;display:flex;justify-content:center}
    .middle s{position:absolute;top:0;bottom:0;width:1.5px;background:#8a939d}
    @media(prefers-color-scheme:dark){.middle s{background:#77818b}}
    summary,.middle{min-width:340px}
    .inside{display:flex;flex-direction:column;align-items:center;background:color-mix(in srgb,var(--hover) 55%,transparent);
    border-radius:10px;border:1px dashed var(--line)}
    details[open]>summary .box{box-shadow:none}
    aside{position:sticky;top:.8rem;max-height:calc(100vh - 1.6rem);overflow:auto;border:1px solid var(--line);
    border-radius:.5rem;padding:.8rem 1rem;background:var(--card);font-size:.9rem}
    aside h3{margin:0 1.6rem .1rem 0;font-size:1.02rem;overflow-wrap:anywhere}
    aside h4{margin:.9rem 0 .25rem;font-size:.9rem}
    aside dl{display:grid;grid-template-columns:minmax(5.5rem,max-content) 1fr;gap:.1rem .8rem;margin:.3rem 0}
    aside dt{color:var(--faint)}aside dd{margin:0;overflow-wrap:anywhere}
    aside .tensor{border-top:1px solid var(--line);margin-top:.6rem;padding-top:.45rem}
    aside .tensor svg{display:block;width:100%;height:44px;margin:.2rem 0}
    aside button.link{all:unset;color:var(--accent);cursor:pointer;overflow-wrap:anywhere}
    aside button.link:focus-visible{outline:2px solid var(--accent)}
    aside .close{display:none}
    @media(max-width:820px){.split{display:block}
    aside{position:fixed;left:0;right:0;bottom:0;top:auto;max-height:52vh;border-radius:.8rem .8rem 0 0;z-index:5;
    box-shadow:0 -4px 18px rgba(0,0,0,.25)}aside:not(.shown){display:none}
    aside .close{display:block;position:absolute;right:.7rem;top:.5rem;font:inherit;font-size:1.2rem;line-height:1;
    padding:.3rem .55rem;border:0;background:none;color:inherit;cursor:pointer}}
    @media print{.bar,aside{display:none}.split{display:block}}
    """

  static let script = """
    (function(){
    'use strict';
    var layers=JSON.parse(document.getElementById('layers').textContent);
    var panel=document.getElementById('panel'),canvas=document.getElementById('canvas');
    var rows={},readers=layers.map(function(){return [];}),chosen=null;
    layers.forEach(function(layer,i){layer.i.forEach(function(j){readers[j].push(i);});});
    document.querySelectorAll('.r').forEach(function(row){
      rows[row.getAttribute('data-i')]=row;
      row.setAttribute('tabindex','0');row.setAttribute('role','button');
    });
    function make(name,text,kind){
      var e=document.createElement(name);
      if(text!==undefined)e.textContent=text;
      if(kind)e.className=kind;
      return e;
    }
    function shown(text){
      return text.replace(/[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb]/g,
        function(c){return '[U+'+c.charCodeAt(0).toString(16).toUpperCase()+']';});
    }
    function number(v){
      if(v===0)return '0';
      var a=Math.abs(v);
      return a>=1e5||a<1e-3?v.toExponential(3):String(parseFloat(v.toPrecision(4)));
    }
    function facts(list){
      var dl=make('dl');
      list.forEach(function(pair){dl.appendChild(make('dt',pair[0]));
        var dd=make('dd');if(typeof pair[1]==='string')dd.textContent=shown(pair[1]);else dd.appendChild(pair[1]);
        dl.appendChild(dd);});
      return dl;
    }
    function links(list){
      var span=make('span');
      list.forEach(function(i,n){
        if(n)span.appendChild(document.createTextNode(', '));
        var b=make('button',shown(layers[i].n),'link');b.type='button';
        b.addEventListener('click',function(){choose(i,true);});span.appendChild(b);
      });
      return span;
    }
    function bars(counts,series){
      var ns='http://www.w3.org/2000/svg',svg=document.createElementNS(ns,'svg'),most=Math.max.apply(null,counts);
      svg.setAttribute('viewBox','0 0 '+counts.length*6+' 44');svg.setAttribute('preserveAspectRatio','none');
      svg.setAttribute('aria-hidden','true');
      counts.forEach(function(c,i){
        var h=c?Math.max(1,c/most*42):0,r=document.createElementNS(ns,'rect');
        r.setAttribute('x',i*6);r.setAttribute('y',44-h);r.setAttribute('width',5.2);r.setAttribute('height',h);
        r.setAttribute('class','s'+series);svg.appendChild(r);
      });
      return svg;
    }
    function choose(i,scroll){
      if(chosen)chosen.classList.remove('chosen');
      var layer=layers[i],row=rows[i];
      chosen=row||null;
      if(row){
        row.classList.add('chosen');
        for(var e=row.parentNode;e&&e!==canvas;e=e.parentNode)if(e.tagName==='DETAILS')e.open=true;
        if(scroll){row.scrollIntoView({block:'center',inline:'center'});}
      }
      panel.textContent='';panel.classList.add('shown');panel.scrollTop=0;
      panel.appendChild(make('h3',shown(layer.n)));
      var close=make('button','×','close');close.type='button';close.setAttribute('aria-label','Close');
      close.addEventListener('click',function(){panel.classList.remove('shown');});panel.appendChild(close);
      panel.appendChild(make('div',layer.k,'faint'));
      var list=[['output',layer.s]];
      if(layer.p)list.push(['weights',layer.p.toLocaleString('en')]);
      if(layer.m)list.push(['multiplications',layer.m.toLocaleString('en')]);
      if(layer.i.length)list.push([layer.i.length>1?'inputs':'input',links(layer.i)]);
      if(readers[i].length)list.push(['read by',links(readers[i])]);
      if(layer.x!==undefined&&layer.x!==null)list.push(['weights of',links([layer.x])]);
      panel.appendChild(facts(list));
      if(layer.a.length){panel.appendChild(make('h4','Attributes'));panel.appendChild(facts(layer.a));}
      layer.w.forEach(function(w){
        var box=make('div',undefined,'tensor');
        box.appendChild(make('h4',shown(w.n)));
        box.appendChild(make('div',w.s.join('×')+' · '+w.t,'faint'));
        if(w.h.length)box.appendChild(bars(w.h,layer.f));
        var list=[['from … to',number(w.l)+' … '+number(w.u)],['mean',number(w.m)],['std. deviation',number(w.d)]];
        if(w.z)list.push(['zeros',w.z.toLocaleString('en')+' of '+w.c.toLocaleString('en')]);
        if(w.f)list.push(['no numbers',w.f.toLocaleString('en')]);
        box.appendChild(facts(list));panel.appendChild(box);
      });
    }
    canvas.addEventListener('click',function(event){
      var row=event.target.closest('.r');
      if(row){choose(+row.getAttribute('data-i'),false);row.focus();}
    });
    canvas.addEventListener('keydown',function(event){
      var row=event.target.closest('.r');
      if(row&&(event.key==='Enter'||event.key===' ')){event.preventDefault();choose(+row.getAttribute('data-i'),false);}
    });
    document.addEventListener('keydown',function(event){if(event.key==='Escape')panel.classList.remove('shown');});
    function centre(){canvas.scrollLeft=(canvas.scrollWidth-canvas.clientWidth)/2;}
    canvas.addEventListener('toggle',centre,true);
    window.addEventListener('resize',centre);centre();
    var folds=document.querySelectorAll('details.fold');
    document.getElementById('unfold').addEventListener('click',function(){folds.forEach(function(d){d.open=true;});});
    document.getElementById('fold').addEventListener('click',function(){folds.forEach(function(d){d.open=false;});});
    if(!folds.length)document.querySelectorAll('.bar button').forEach(function(b){b.hidden=true;});
    var find=document.getElementById('find'),found=document.getElementById('found'),hits=[],at=0;
    function say(){found.textContent=find.value?(hits.length?(at+1)+' of '+hits.length:'none'):'';}
    find.addEventListener('input',function(){
      var word=find.value.toLowerCase();at=0;
      hits=word?layers.map(function(l,i){return i;}).filter(function(i){
        return layers[i].n.toLowerCase().indexOf(word)>=0||layers[i].k.indexOf(word)>=0;}):[];
      say();
    });
    find.addEventListener('keydown',function(event){
      if(event.key!=='Enter'||!hits.length)return;
      if(chosen&&+chosen.getAttribute('data-i')===hits[at])at=(at+(event.shiftKey?hits.length-1:1))%hits.length;
      choose(hits[at],true);say();
    });
    window.addEventListener('beforeprint',function(){folds.forEach(function(d){d.open=true;});});
    })();
    """
}
