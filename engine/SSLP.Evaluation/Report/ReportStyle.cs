namespace SSLP.Evaluation.Report;

/// <summary>How the page looks: one column of readable width, the reader's own sans-serif, nothing fetched.</summary>
internal static class ReportStyle
{
    public const string Css =
        """
        :root { --ink: #1c1f23; --soft: #667079; --line: #e3e6e9; --paper: #fff; }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1120px; padding: 40px 32px 80px; color: var(--ink); background: var(--paper);
               font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; font-variant-numeric: tabular-nums; }
        h1 { font-size: 28px; line-height: 1.2; margin: 0 0 18px; letter-spacing: -0.01em; }
        h2 { font-size: 19px; margin: 0 0 2px; }
        h3 { font-size: 14px; margin: 18px 0 6px; width: 100%; }
        section { margin-top: 44px; padding-top: 22px; border-top: 1px solid var(--line); }
        .note { color: var(--soft); margin: 0 0 16px; font-size: 13.5px; font-weight: 400; }
        table + .note { margin-top: 16px; }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 8px 24px; margin: 0; }
        dl .long { grid-column: 1 / -1; }
        dt { color: var(--soft); font-size: 12px; }
        dd { margin: 0; overflow-wrap: anywhere; }
        figure { margin: 0; }
        figcaption { font-size: 13px; color: var(--ink); margin-bottom: 4px; }
        .legend { float: right; font-weight: 600; }
        .legend span { margin-left: 12px; }
        .charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(460px, 1fr)); gap: 26px 32px; }
        .chart svg { display: block; width: 100%; height: auto; }
        .chart.wide { max-width: 860px; margin-bottom: 18px; }
        svg text { font-size: 11.5px; fill: var(--soft); }
        svg .grid { stroke: var(--line); stroke-width: 1; }
        table { border-collapse: collapse; font-size: 13.5px; }
        th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--ink); padding: 5px 26px 5px 0;
          vertical-align: bottom; }
        td { border-bottom: 1px solid var(--line); padding: 5px 26px 5px 0; white-space: nowrap; }
        .sheet { display: grid; grid-template-columns: 110px 76px repeat(3, 1fr); gap: 14px 14px; align-items: start; }
        .sheet .head { font-size: 12.5px; color: var(--soft); border-bottom: 1px solid var(--line); padding-bottom: 4px; }
        .sheet .who { font-size: 12px; color: var(--soft); overflow-wrap: anywhere; }
        .cell { display: flex; flex-wrap: wrap; gap: 5px; }
        .cell img { display: block; border: 2px solid transparent; border-radius: 3px; }
        .cell img.elsewhere { border-style: dashed; border-color: #9aa3ab; }
        .cell img.alike { border-color: #009e73; }
        .cell img.unlike { border-color: #d55e00; }
        b.alike { color: #009e73; }
        b.unlike { color: #d55e00; }
        .warning { background: #fdf4e3; border-left: 3px solid #e69f00; padding: 8px 12px; margin: 14px 0 0; font-size: 13.5px; }
        .confusions { display: flex; flex-wrap: wrap; gap: 20px 36px; margin-top: 20px; }
        .confusions table { width: auto; }
        .confusions th { border-bottom: none; }
        .confusions td { text-align: right; padding: 4px 10px; }
        .unread { width: 64px; height: 64px; display: inline-block; font-size: 11px; color: var(--soft); border: 1px solid var(--line);
          padding: 4px; }
        .maps { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: end; }
        .maps figcaption { color: var(--soft); font-size: 12px; margin: 4px 0 0; }
        .pixels { image-rendering: pixelated; border: 1px solid var(--line); display: block; }
        .contacts { display: grid; grid-template-columns: repeat(auto-fill, minmax(480px, 1fr)); gap: 22px; }
        .contacts img { width: 100%; display: block; border: 1px solid var(--line); }
        @media print { section { break-inside: avoid; } }
        """;
}
