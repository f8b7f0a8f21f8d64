/// How pages look.
enum PageStyle {
  /// Colours that people with any kind of colour vision tell apart (after Okabe and Ito), lighter in the dark.
  static let colours = """
    :root{--ground:#fbfbfa;--card:#fff;--ink:#1c2024;--faint:#5f6872;--line:#d9dde1;--hover:#eef1f4;--accent:#0b62a8;
    --c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b65a94;--c4:#b98300;--c5:#3a8fc7;--c6:#5b6270;--c7:#8a6d3b;
    --good:#00734f;--bad:#b3261e;--doubt:#8a5a00;--goodbg:#e2f4ec;--badbg:#fdeae8;--doubtbg:#fdf1d8}
    @media(prefers-color-scheme:dark){:root{--ground:#14171a;--card:#1c2024;--ink:#e7eaed;--faint:#9aa4ae;
    --line:#363d44;--hover:#272d33;--accent:#7cbcf0;--c0:#4aa8e0;--c1:#f0884a;--c2:#3cc79b;--c3:#dc8fc0;--c4:#e6b53d;
    --c5:#8fcaf2;--c6:#a4acb8;--c7:#cbb083;--good:#58d3a4;--bad:#ff9087;--doubt:#f0c060;--goodbg:#12362a;
    --badbg:#45201d;--doubtbg:#3d3012}}
    """

  static let css =
    colours + """
      *{box-sizing:border-box}
      html{-webkit-text-size-adjust:100%}
      body{margin:0;background:var(--ground);color:var(--ink);
      font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
      header,main,footer{max-width:68rem;margin:0 auto;padding:0 clamp(1rem,4vw,2.5rem)}
      body.wide header,body.wide main,body.wide footer{max-width:none}
      header{padding-top:1.8rem;padding-bottom:.4rem}
      h1{font-size:clamp(1.4rem,5vw,2rem);line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}
      h2{font-size:1.25rem;line-height:1.3;margin:0 0 .7rem}
      h3{font-size:1rem;margin:1.4rem 0 .4rem}
      p{margin:.5rem 0;max-width:46rem}
      .subtitle{color:var(--faint);margin:.35rem 0 0;overflow-wrap:anywhere}
      a{color:var(--accent)}
      nav{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin-top:.9rem;padding:.5rem 0;border-top:1px solid var(--line)}
      nav a{text-decoration:none}nav a:hover{text-decoration:underline}
      section{margin:1.1rem 0;padding:1.1rem clamp(.9rem,3vw,1.5rem) 1.3rem;background:var(--card);
      border:1px solid var(--line);border-radius:.6rem}
      footer{color:var(--faint);font-size:.85rem;padding-top:.4rem;padding-bottom:2rem}
      code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.9em}
      .faint{color:var(--faint)}
      dl.facts{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.25rem 1.2rem;margin:0}
      dl.facts dt{color:var(--faint)}dl.facts dd{margin:0;overflow-wrap:anywhere}
      .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.7rem;margin:0 0 1rem}
      .tile{border:1px solid var(--line);border-radius:.5rem;padding:.55rem .8rem}
      .tile b{display:block;font-size:1.35rem;line-height:1.25;font-weight:600;overflow-wrap:anywhere}
      .tile span{color:var(--faint);font-size:.85rem}
      .badge{display:inline-block;padding:.05rem .55rem;border-radius:1rem;font-size:.85rem;font-weight:600;
      white-space:nowrap}
      .badge.good{background:var(--goodbg);color:var(--good)}.badge.bad{background:var(--badbg);color:var(--bad)}
      .badge.doubt{background:var(--doubtbg);color:var(--doubt)}
      .scroll{overflow:auto;max-height:34rem;border:1px solid var(--line);border-radius:.4rem}
      table{border-collapse:collapse;width:100%;font-size:.9rem}
      th,td{padding:.32rem .65rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
      tbody tr:last-child td{border-bottom:0}tbody tr:hover{background:var(--hover)}
      td{min-width:5.5rem}td.number{min-width:0}td.long{min-width:17rem}
      thead th{position:sticky;top:0;background:var(--card);color:var(--faint);font-weight:600;white-space:nowrap;
      box-shadow:0 1px 0 var(--line);z-index:1}
      th.number,td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
      th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid var(--accent)}
      th[aria-sort=ascending] button::after{content:" ▲"}th[aria-sort=descending] button::after{content:" ▼"}
      .search{display:flex;gap:.8rem;align-items:center;flex-wrap:wrap;margin:0 0 .6rem}
      .search input{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--line);
      border-radius:.4rem;padding:.35rem .7rem;flex:1 1 12rem;max-width:24rem;min-width:0}
      .search output{color:var(--faint);font-size:.85rem}
      figure{margin:.4rem 0 1rem}figcaption{color:var(--faint);font-size:.88rem;margin-bottom:.3rem}
      .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:.4rem 1.6rem}
      svg.chart{display:block;width:100%;max-width:36rem;height:auto;overflow:visible}
      svg.chart text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:var(--ink)}
      svg.chart .tick{fill:var(--faint);font-size:11px}
      svg.chart .axis{stroke:var(--faint);stroke-width:1;fill:none}
      svg.chart .grid{stroke:var(--line);stroke-width:1;fill:none}
      svg.chart .range{stroke:var(--ink);stroke-width:1.4;fill:none}
      svg.chart .limit{stroke:var(--bad);stroke-width:1.4;stroke-dasharray:4 3;fill:none}
      svg.chart .lines{fill:none;stroke-width:2;stroke-linejoin:round}
      .s0{fill:var(--c0)}.s1{fill:var(--c1)}.s2{fill:var(--c2)}.s3{fill:var(--c3)}.s4{fill:var(--c4)}.s5{fill:var(--c5)}
      .s6{fill:var(--c6)}.s7{fill:var(--c7)}
      .l0{stroke:var(--c0)}.l1{stroke:var(--c1)}.l2{stroke:var(--c2)}.l3{stroke:var(--c3)}.l4{stroke:var(--c4)}
      .l5{stroke:var(--c5)}.l6{stroke:var(--c6)}.l7{stroke:var(--c7)}
      .legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;font-size:.88rem;margin:.2rem 0 .5rem;padding:0;list-style:none}
      .legend svg{width:.85rem;height:.85rem;vertical-align:-.08rem;margin-right:.4rem}
      table.heat{width:auto}table.heat td,table.heat th{padding:.3rem .5rem;text-align:center;border:1px solid var(--card)}
      table.heat tbody th{text-align:right;font-weight:500;white-space:nowrap;max-width:14rem;overflow:hidden;
      text-overflow:ellipsis;position:sticky;left:0;background:var(--card)}
      table.heat thead th{font-weight:500;max-width:9rem;overflow:hidden;text-overflow:ellipsis}
      table.heat thead th:first-child{max-width:5.5rem;white-space:normal;overflow:visible}
      table.heat.upright thead th+th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;max-width:none}
      table.heat td{font-variant-numeric:tabular-nums;min-width:2.6rem}
      .sheet{display:grid;grid-template-columns:repeat(auto-fill,minmax(7.5rem,1fr));gap:.7rem}
      .sheet figure{margin:0;min-width:0}
      .sheet img{width:100%;aspect-ratio:1;object-fit:contain;background:var(--hover);border-radius:.35rem;display:block}
      .sheet figcaption{font-size:.8rem;line-height:1.35;margin:.25rem 0 0;overflow-wrap:anywhere;color:var(--ink)}
      pre{overflow:auto;background:var(--hover);padding:.7rem .9rem;border-radius:.4rem;margin:.5rem 0;font-size:.88rem}
      details>summary{cursor:pointer}
      @media print{body{background:#fff;font-size:10.5pt}section{break-inside:avoid-page;border-color:#bbb}
      .scroll{max-height:none;overflow:visible}.search,nav{display:none}thead th{position:static}}
      """
}
