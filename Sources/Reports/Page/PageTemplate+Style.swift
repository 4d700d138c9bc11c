extension PageTemplate {
    /// The page's style sheet. Colors are those of Okabe and Ito's palette, darkened or lightened to a contrast of 4.5
    /// to 1 with the page; series differ in dash and marker too.
    static let style = """
        :root {
          color-scheme: light dark;
          --page: #fbfbf9; --card: #ffffff; --ink: #1d1f23; --muted: #585d66; --rule: #dcdcd6; --grid: #e9e9e4;
          --accent: #0a5c99; --on-accent: #ffffff; --note: #fff4d6; --note-rule: #b98900;
          --s1: #0a5c99; --s2: #c04a00; --s3: #007a56; --s4: #a23f7d; --s5: #7a6400; --s6: #5a5f6b;
          --wrong: #b33a00;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #15171b; --card: #1d2025; --ink: #e8e8e4; --muted: #a6abb5; --rule: #383c44; --grid: #2a2e35;
            --accent: #6db8f2; --on-accent: #10141a; --note: #33290c; --note-rule: #d9a927;
            --s1: #6db8f2; --s2: #ff9a5c; --s3: #4fd1a5; --s4: #eb95c9; --s5: #e0c341; --s6: #b4bac6;
            --wrong: #ff9a5c;
          }
        }
        *, *::before, *::after { box-sizing: border-box; }
        html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
        body { margin: 0; background: var(--page); color: var(--ink); line-height: 1.55; overflow-wrap: anywhere;
          font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        header, nav, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.25rem; }
        header { padding-top: 2.5rem; }
        .kicker { margin: 0; color: var(--muted); font-size: 0.95rem; }
        h1 { font-size: clamp(1.7rem, 4.5vw, 2.5rem); line-height: 1.15; margin: 0.2rem 0 0.8rem; letter-spacing: -0.015em;
          }
        h2 { font-size: 1.45rem; line-height: 1.25; margin: 0 0 0.6rem; letter-spacing: -0.01em; }
        h3 { font-size: 1.12rem; margin: 1.6rem 0 0.4rem; }
        h4 { font-size: 1rem; margin: 1.4rem 0 0.3rem; }
        p { margin: 0 0 0.8rem; max-width: 46rem; }
        .lede { font-size: clamp(1.05rem, 2.2vw, 1.25rem); line-height: 1.5; max-width: 50rem; }
        a { color: var(--accent); text-underline-offset: 0.18em; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
        main:focus { outline: none; }
        .skip { position: absolute; left: -100rem; top: 0; background: var(--accent); color: var(--on-accent);
          padding: 0.6rem 1rem; z-index: 2; }
        .skip:focus { left: 0; }
        .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(9.2rem, 100%), 1fr)); gap: 0.8rem;
          margin: 1.4rem 0; }
        .tiles > div { background: var(--card); border: 1px solid var(--rule); border-radius: 0.6rem;
          padding: 0.8rem 1rem; }
        .tiles dt { color: var(--muted); font-size: 0.88rem; }
        .tiles dd { margin: 0; font-size: 1.6rem; font-weight: 650; letter-spacing: -0.02em;
          font-variant-numeric: tabular-nums; }
        .tiles dd.tile-note { font-size: 0.85rem; font-weight: 400; letter-spacing: 0; color: var(--muted); }
        nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0.15rem 1.2rem; padding: 0.7rem 0; margin: 0 0 1rem;
          border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); }
        nav a { display: inline-block; padding: 0.2rem 0; }
        nav .sub a { color: var(--muted); }
        section { padding: 1.4rem 0 0.6rem; }
        section.level-2 + section.level-2 { border-top: 1px solid var(--rule); }
        .warning { background: var(--note); border-left: 4px solid var(--note-rule); padding: 0.6rem 0.9rem;
          border-radius: 0.3rem; }
        .figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1.1rem;
          margin: 0.8rem 0 1.2rem; align-items: start; }
        .figures.wide { grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); }
        figure { margin: 0; background: var(--card); border: 1px solid var(--rule); border-radius: 0.6rem;
          padding: 0.9rem 1rem 0.7rem; min-width: 0; }
        figcaption { font-weight: 600; margin-bottom: 0.5rem; }
        .figure-note { color: var(--muted); font-size: 0.88rem; margin: 0.4rem 0; }
        svg.chart { display: block; width: 100%; max-width: 32rem; height: auto; margin: 0 auto; overflow: hidden;
          font-family: inherit; font-size: 12px; }
        svg text { fill: var(--ink); unicode-bidi: isolate; }
        svg .tick, svg .axis-title, svg .note { fill: var(--muted); }
        svg .axis-title { font-size: 11.5px; }
        svg .label { font-weight: 600; }
        svg .grid { stroke: var(--grid); }
        svg .axis { stroke: var(--muted); }
        svg .mark-line { stroke: var(--muted); stroke-dasharray: 2 3; }
        svg .diagonal { stroke: var(--muted); stroke-dasharray: 5 4; }
        svg .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        svg .line.s1 { stroke: var(--s1); } svg .line.s2 { stroke: var(--s2); }
        svg .line.s3 { stroke: var(--s3); stroke-dasharray: 7 3; } svg .line.s4 { stroke: var(--s4); stroke-dasharray: 2 3; }
        svg .line.s5 { stroke: var(--s5); stroke-dasharray: 9 3 2 3; } svg .line.s6 { stroke: var(--s6); stroke-width: 1.1; }
        svg .line.s1 { stroke-dasharray: 6 3; } svg .line.s2 { stroke-dasharray: none; }
        svg .mark { stroke: var(--card); stroke-width: 1; }
        svg .mark.s1, svg .bar.s1 { fill: var(--s1); } svg .mark.s2, svg .bar.s2 { fill: var(--s2); }
        svg .mark.s3, svg .bar.s3 { fill: var(--s3); } svg .mark.s4, svg .bar.s4 { fill: var(--s4); }
        svg .mark.s5, svg .bar.s5 { fill: var(--s5); } svg .mark.s6, svg .bar.s6 { fill: var(--s6); }
        svg .matrix { fill: var(--page); stroke: var(--rule); }
        svg .cell.right { fill: var(--s1); } svg .cell.wrong { fill: var(--s2); }
        svg .on-cell { fill: var(--on-accent); font-weight: 600; }
        .scroll { overflow-x: auto; margin: 0.6rem 0 1rem; max-width: 100%; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.95rem; min-width: 16rem; }
        caption { text-align: left; color: var(--muted); font-size: 0.9rem; padding-bottom: 0.3rem; min-width: 14rem; }
        th, td { padding: 0.32rem 0.9rem 0.32rem 0; text-align: right; border-bottom: 1px solid var(--rule);
          vertical-align: top; }
        td { white-space: nowrap; }
        th { font-weight: 600; }
        th bdi { display: inline-block; max-width: 13rem; }
        th, td { overflow-wrap: break-word; }
        th:first-child { text-align: left; }
        tbody th { font-weight: 400; }
        .words th, .words td { text-align: left; white-space: normal; }
        .words td { overflow-wrap: anywhere; }
        .words td:last-child { min-width: 10rem; }
        details { margin: 0.4rem 0; }
        summary { cursor: pointer; color: var(--accent); padding: 0.2rem 0; width: fit-content; }
        .examples { padding-left: 1.6rem; margin: 0.4rem 0; }
        .examples > li { margin-bottom: 1.1rem; }
        blockquote { margin: 0; padding: 0.1rem 0 0.1rem 0.8rem; border-inline-start: 3px solid var(--rule);
          white-space: pre-wrap; overflow-wrap: anywhere; max-width: 48rem; }
        blockquote.pair { margin-top: 0.3rem; }
        .facts { color: var(--muted); font-size: 0.9rem; margin: 0.3rem 0; }
        .answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 0.4rem 1.6rem;
          max-width: 48rem; }
        .answer p { margin: 0.1rem 0; font-size: 0.95rem; }
        .verdict { color: var(--muted); }
        .bars { list-style: none; margin: 0; padding: 0; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
        .bars li { display: grid; grid-template-columns: minmax(4.5rem, 8rem) 1fr 4.2rem; gap: 0.5rem; align-items: center; }
        .bar-label { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .bar-track { background: var(--grid); height: 0.55rem; border-radius: 0.3rem; overflow: hidden; display: block; }
        .bar-fill { display: block; height: 100%; background: var(--s6); }
        .teacher .bar-fill { background: var(--s1); } .student .bar-fill { background: var(--s2); }
        .bar-text { text-align: right; }
        footer { color: var(--muted); font-size: 0.88rem; padding-top: 1rem; padding-bottom: 2.5rem; }
        @media (max-width: 30rem) {
          header, nav, main, footer { padding-left: 1rem; padding-right: 1rem; }
          figure { padding: 0.8rem 0.5rem 0.6rem; }
        }
        @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
        @media (forced-colors: active) { .bar-fill { background: CanvasText; } }
        @media print {
          :root { --page: #fff; --card: #fff; --ink: #000; --muted: #444; --rule: #bbb; --grid: #e4e4e4; --accent: #0a5c99;
            --on-accent: #fff; --note: #fff; --note-rule: #777; --s1: #0a5c99; --s2: #c04a00; --s3: #007a56;
            --s4: #a23f7d; --s5: #7a6400; --s6: #5a5f6b; }
          body { font-size: 10pt; }
          header { padding-top: 0; }
          nav, .skip, figure details { display: none; }
          header, main, footer { max-width: none; padding-left: 0; padding-right: 0; }
          .figures, .figures.wide { grid-template-columns: repeat(2, 1fr); }
          figure, .tiles > div, .examples > li, tr { break-inside: avoid; }
          h2, h3, h4 { break-after: avoid; }
          details.print::details-content { content-visibility: visible; height: auto; }
          details.print > summary { color: inherit; }
          .scroll { overflow: visible; }
          svg, .bar-fill, .bar-track { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        }
        """
}
