"""Draws the throughput of the hello workload as an SVG bar plot, written by hand.

A style block sets the colours for light pages and changes them where the viewer's
scheme is dark. Carboy's bars have the strong colour; the lightest ones are servers
without a framework. A thin line runs from the slowest round to the fastest.
"""

from xml.sax.saxutils import escape

from .session import Result

WIDTH, LABELS, NUMBERS = 880, 220, 180
BAR, GAP, TOP, BOTTOM = 20, 10, 64, 34
FLOOR = {"bare-asgi", "limit", "nginx"}
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 17px; font-weight: 600; }
  .small { font-size: 12px; fill: #59636e; }
  .peer { fill: #8c959f; } .floor { fill: #c9d1d9; } .carboy { fill: #0a7d52; }
  .own { font-weight: 600; } .range { stroke: #24292f; stroke-width: 1.5; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .small { fill: #9198a1; }
    .peer { fill: #6e7681; } .floor { fill: #3d444d; } .carboy { fill: #2fbf83; }
    .range { stroke: #e6edf3; }
  }
"""


def throughput_svg(results: list[Result], subtitle: str) -> str:
    """Return the plot, the fastest bar first."""
    shown = sorted(
        (result for result in results if result.measured),
        key=lambda result: result.per_second,
        reverse=True,
    )
    height = TOP + len(shown) * (BAR + GAP) + BOTTOM
    largest = max((result.spread[1] for result in shown), default=1.0)
    scale = (WIDTH - LABELS - NUMBERS) / largest
    base = next((r.per_second for r in shown if r.entry.name == "fastapi"), 0.0)
    bars = [
        _bar(result, TOP + number * (BAR + GAP), scale, base) for number, result in enumerate(shown)
    ]
    foot = "Thin line: slowest and fastest round. Light bars: no Python framework."
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                'role="img" aria-label="Requests per second by framework">'
            ),
            f"<style>{STYLE}</style>",
            '<text class="title" x="12" y="26">Hello page, requests per second</text>',
            f'<text class="small" x="12" y="46">{escape(subtitle)}</text>',
            *bars,
            f'<text class="small" x="12" y="{height - 12}">{foot}</text>',
            "</svg>",
            "",
        ]
    )


def _bar(result: Result, top: int, scale: float, base: float) -> str:
    name = result.entry.name
    own = name.startswith("carboy")
    kind = "carboy" if own else "floor" if name in FLOOR else "peer"
    weight = ' class="own"' if own else ""
    length = result.per_second * scale
    low, high = (LABELS + rate * scale for rate in result.spread)
    middle, text = top + BAR / 2, top + BAR * 0.72
    ratio = f" ({result.per_second / base:.1f}x FastAPI)" if base else ""
    return (
        f'<text{weight} x="{LABELS - 10}" y="{text:.1f}" text-anchor="end">'
        f"{escape(result.entry.label)}</text>"
        f'<rect class="{kind}" x="{LABELS}" y="{top}" width="{length:.1f}" height="{BAR}" rx="3"/>'
        f'<line class="range" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>'
        f'<text{weight} x="{max(high, LABELS + length) + 8:.1f}" y="{text:.1f}">'
        f"{result.per_second:,.0f}{ratio}</text>"
    )
