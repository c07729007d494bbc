"""The picture of a network's graph, from the image at the top to the scores at the bottom."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from suite.inspecting.seen import Graph, Node
from suite.pictures.canvas import BLUE, GREY, ORANGE, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 150  # steps in one picture
WIDE, HIGH, STEP = 3.3, 0.27, 0.4  # inches: a box, and from one row to the next
LANE = 0.16  # inches between two ways that pass by boxes


def network(run: str, graph: Graph) -> "Figure":
    """The steps as boxes with kind, output shape and parameters; a branch stands beside the main way.

    Ways that pass by other steps, such as residual connections, are drawn at the left.
    """
    nodes = graph.nodes[:MOST]
    edges = [(one, other) for one, other in graph.edges if other < len(nodes)]
    places = layout(len(nodes), edges)
    columns = 1 + max(column for column, _ in places)
    passing = lanes([(one, other) for one, other in edges if _passes(places, one, other)], places)
    left = LANE * (2 + max(passing.values(), default=0)) if passing else 0.1
    width, height = left + columns * (WIDE + 0.3), (1 + max(row for _, row in places)) * STEP
    figure, (axes,) = new_figure(max(width, 5.6) + 0.2, height + 0.7)
    axes.set(xlim=(-left, max(width, 5.6) - left), ylim=(-height + STEP / 2, STEP / 2))
    axes.axis("off")
    for edge in edges:
        if edge in passing:
            _draw_passing(axes, places, *edge, passing[edge])
        else:
            _draw_straight(axes, places, *edge)
    for place, node in zip(places, nodes, strict=True):
        _draw_box(axes, place, node)
    axes.set_title(_title(run, graph), loc="left", fontsize=9, parse_math=False)
    return figure


def layout(count: int, edges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """A (column, row) for each step; edges go from lower numbers to higher ones, and so from a row to a lower one.

    The row is the longest way from the start. The longest chain of steps is column 0; then each longest chain of the
    rest takes the first column that is free beside it.
    """
    sources: list[list[int]] = [[] for _ in range(count)]
    for one, other in edges:
        sources[other].append(one)
    rows = [0] * count
    for step in range(count):
        rows[step] = max((rows[one] + 1 for one in sources[step]), default=min(step, 1))
    columns: dict[int, int] = {}
    taken: set[tuple[int, int]] = set()  # (column, row)
    while len(columns) < count:
        chain = _longest_chain(count, sources, columns)
        needed = range(rows[chain[0]], rows[chain[-1]] + 1)
        column = next(free for free in range(count) if not any((free, row) in taken for row in needed))
        taken |= {(column, row) for row in needed}
        columns |= dict.fromkeys(chain, column)
    return [(columns[step], rows[step]) for step in range(count)]


def _longest_chain(count: int, sources: Sequence[Sequence[int]], placed: dict[int, int]) -> list[int]:
    """The longest chain of steps without a place, from its first step to its last."""
    length, before = [0] * count, [-1] * count
    for step in range(count):
        if step in placed:
            continue
        found = [one for one in sources[step] if one not in placed]
        if found:
            before[step] = max(found, key=lambda one: length[one])
        length[step] = 1 + (length[before[step]] if found else 0)
    step = max(range(count), key=lambda one: length[one])
    chain = [step]
    while before[chain[-1]] >= 0:
        chain.append(before[chain[-1]])
    return chain[::-1]


def lanes(passing: Sequence[tuple[int, int]], places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane from 0 for each way that passes by, so that no two in a lane overlap; short ways get the inner ones."""
    found: dict[tuple[int, int], int] = {}
    used: list[list[range]] = []
    for edge in sorted(passing, key=lambda edge: places[edge[1]][1] - places[edge[0]][1]):
        span = range(places[edge[0]][1], places[edge[1]][1])
        clear = [all(span.stop <= one.start or one.stop <= span.start for one in lane) for lane in used]
        lane = clear.index(True) if True in clear else len(used)
        if lane == len(used):
            used.append([])
        used[lane].append(span)
        found[edge] = lane
    return found


def _passes(places: Sequence[tuple[int, int]], one: int, other: int) -> bool:
    """Whether a step in column 0 lies between two others of that column, so that the straight way is barred."""
    (column, row), (to, end) = places[one], places[other]
    return column == to and end - row > 1


def _draw_passing(axes: "Axes", places: Sequence[tuple[int, int]], one: int, other: int, lane: int) -> None:
    (column, row), (_, end) = places[one], places[other]
    edge = column * (WIDE + 0.3)
    x, top, bottom = edge - LANE * (lane + 1), -row * STEP, -end * STEP
    axes.plot([edge, x, x, edge - 0.06], [top, top, bottom, bottom], color=ORANGE, lw=1.4, solid_joinstyle="round")
    axes.annotate("", (edge, bottom), (edge - 0.08, bottom), arrowprops={"arrowstyle": "->", "color": ORANGE})


def _draw_straight(axes: "Axes", places: Sequence[tuple[int, int]], one: int, other: int) -> None:
    (column, row), (to, end) = places[one], places[other]
    middle = WIDE / 2
    start = column * (WIDE + 0.3) + middle, -row * STEP - HIGH / 2
    stop = to * (WIDE + 0.3) + middle, -end * STEP + HIGH / 2
    if column < to:  # to a branch: out at the right of the box
        start = column * (WIDE + 0.3) + WIDE, -row * STEP
    if column > to:  # back from a branch
        stop = to * (WIDE + 0.3) + WIDE, -end * STEP
    colour = GREY if column == to else ORANGE
    axes.annotate("", stop, start, arrowprops={"arrowstyle": "->", "color": colour, "shrinkA": 0, "shrinkB": 0})


def _draw_box(axes: "Axes", place: tuple[int, int], node: Node) -> None:
    from matplotlib.patches import Rectangle

    x, y = place[0] * (WIDE + 0.3), -place[1] * STEP
    face, ink = (BLUE, "white") if node.parameters else ("#e5e7eb", "#1f2937")
    axes.add_patch(Rectangle((x, y - HIGH / 2), WIDE, HIGH, facecolor=face, linewidth=0))
    kind = node.kind if len(node.kind) <= 24 else f"{node.kind[:23]}…"
    shape = "×".join(map(str, node.shape)) if node.shape is not None else "?"
    plain: dict[str, Any] = {"va": "center", "color": ink, "fontsize": 7.5, "parse_math": False, "in_layout": False}
    axes.text(x + 0.08, y, kind, fontweight="bold", **plain)
    axes.text(x + 2.45, y, shape or "one number", ha="right", **plain)
    axes.text(x + WIDE - 0.08, y, f"{node.parameters:,}" if node.parameters else "", ha="right", **plain)


def _title(run: str, graph: Graph) -> str:
    words = f"{run}: layer, output shape, parameters ({sum(one.parameters for one in graph.nodes) + graph.elsewhere:,})"
    if graph.elsewhere:
        words += f"\n{graph.elsewhere:,} parameters are in none of these steps"
    if len(graph.nodes) > MOST:
        words += f"\nthe first {MOST} of {len(graph.nodes):,} steps"
    untraced = "" if graph.traced else "\nthe calls of the layers in their order: the network could not be traced"
    return words + untraced
