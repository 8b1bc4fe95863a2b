"""MARKET_SIGNALS: where a market goes next, whether that was right, and when it is worth a signal."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from models.errors import ModelError, ParameterError
from udfs.functions.common_arguments import with_common
from udfs.functions.declaration import (
    AddedColumn,
    Argument,
    ArgumentError,
    ArgumentType,
    TableFunction,
    refuse_imputing,
)

if TYPE_CHECKING:
    from models.original_market import OriginalMarketPool
    from models.pool import ModelPool
    from models.signals import Rules, SignalsPool

#: Columns in front of the features, and how many there may be in all.
MARKS: Final = 3
MOST_COLUMNS: Final = 103

#: Half the width of a 95 % interval, in standard errors.
Z: Final = 1.959963984540054


def _column(name: str, help_: str) -> Argument:
    return Argument(name=name, type=ArgumentType.DESCRIPTOR, single=True, help=help_)


READS: Final = (
    _column("mid", "The price that is predicted, as a rule the middle of the best quotes when the bar closed."),
    _column("bid", "The best bid when the bar closed."),
    _column("ask", "The best ask when the bar closed."),
    Argument(
        name="features",
        type=ArgumentType.DESCRIPTOR,
        help="What is known when the bar closes, and may say something: DESCRIPTOR(rsi, volume_ratio).",
    ),
)

OWN: Final = (
    Argument(
        name="horizon",
        type=ArgumentType.INTERVAL,
        default=60_000,
        low=1,
        high=86_400_000_000,
        help="From a bar to the one whose price is its label, in event time.",
    ),
    Argument(
        name="threshold",
        type=ArgumentType.DOUBLE,
        default=0.7,
        low=0,
        high=1,
        help="A score at least this far from 0 is a signal.",
    ),
    Argument(
        name="release",
        type=ArgumentType.DOUBLE,
        default=0.5,
        low=0,
        high=1,
        help="The score has to come nearer to 0 than this before the same signal is given again.",
    ),
    Argument(
        name="cool_down",
        type=ArgumentType.INTERVAL,
        default=300_000,
        low=0,
        high=86_400_000_000,
        help="No signal follows another sooner.",
    ),
    Argument(
        name="warm_up",
        type=ArgumentType.BIGINT,
        default=100,
        low=0,
        high=1_000_000,
        help="No signal before so many moves were learned.",
    ),
    Argument(
        name="fee",
        type=ArgumentType.DOUBLE,
        default=0.001,
        low=0,
        high=0.5,
        help="What the venue takes of each trade, as a share.",
    ),
    Argument(
        name="members",
        type=ArgumentType.STRING,
        default="[]",
        default_help="two logistic regressions, naive Bayes and a small tree",
        help='JSON: the classifiers, each with its parameters: \'[{"algorithm": "logistic"}, ...]\'.',
    ),
    Argument(
        name="preset",
        type=ArgumentType.STRING,
        default="cutbank",
        choices=("cutbank", "original"),
        help="'original': the ensemble of the original market system, scored as ours is; to compare with.",
    ),
    Argument(
        name="eta",
        type=ArgumentType.DOUBLE,
        default=0.1,
        low=0,
        high=10,
        help="What the weight of a member that was wrong falls by, as a logarithm.",
    ),
    Argument(
        name="discount",
        type=ArgumentType.DOUBLE,
        default=0.999,
        low=0,
        high=1,
        help="How much of that counts one label later.",
    ),
    Argument(
        name="waiting",
        type=ArgumentType.BIGINT,
        default=64,
        low=1,
        high=1_000,
        help="Predictions of a key that may wait for their label; the oldest beyond them gets none.",
    ),
)

ADDED: Final = (
    AddedColumn("score", "DOUBLE", "-1 (will fall) to 1 (will rise): 2 p - 1 of the ensemble's probability p."),
    AddedColumn("signal", "STRING", "'BUY' or 'SELL' at the row where it is given; NULL on all others."),
    AddedColumn("expected_return", "DOUBLE", "How far it will go, as a share, by a regression of its own."),
    AddedColumn("inverse_score", "DOUBLE", "The score with weights by inverse mean absolute error instead."),
    AddedColumn("inverse_weight_low", "DOUBLE", "The least of those weights."),
    AddedColumn("inverse_weight_high", "DOUBLE", "The greatest; the nearer both are, the less they say."),
    AddedColumn("settled", "BIGINT", "Predictions that came true with this row."),
    AddedColumn("outcome_return", "DOUBLE", "Of the newest of them: the return; NULL where there is none."),
    AddedColumn("outcome_score", "DOUBLE", "The score it had been given."),
    AddedColumn("outcome_right", "DOUBLE", "1, 0, or 0.5 for a score of 0; NULL where the price is the same."),
    AddedColumn("moves", "BIGINT", "Outcomes so far in which the price moved: what accuracies count."),
    AddedColumn("zero_share", "DOUBLE", "Share of outcomes in which it did not."),
    AddedColumn("dropped", "BIGINT", "Predictions that got no label: there was no price at their horizon."),
    AddedColumn("accuracy", "DOUBLE", "Share of the moves that the score had right before it knew."),
    AddedColumn("accuracy_low", "DOUBLE", "Lower end of its 95 % interval, with overlapping horizons counted once."),
    AddedColumn("accuracy_high", "DOUBLE", "Upper end."),
    AddedColumn("inverse_accuracy", "DOUBLE", "The same share for `inverse_score`."),
    AddedColumn("baseline_up", "DOUBLE", "For whoever always says up."),
    AddedColumn("baseline_same", "DOUBLE", "For whoever says: as the bar before."),
    AddedColumn("baseline_opposite", "DOUBLE", "For whoever says: the opposite of the bar before."),
    AddedColumn("brier", "DOUBLE", "Mean squared error of p; 0.25 is what 0.5 always has."),
    AddedColumn("gross_bp", "DOUBLE", "Mean return of a trade for one horizon at mid prices, in basis points."),
    AddedColumn("net_bp", "DOUBLE", "The same at bid and ask, after fees."),
    AddedColumn("signals", "BIGINT", "Signals so far whose horizon has passed."),
    AddedColumn("signals_net_bp", "DOUBLE", "Mean return of those after fees."),
)


def interval(right: float, moves: float, overlap: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    Parameters
    ----------
    right, moves
        How many, of how many, above 0.
    overlap
        Horizons that cover one moment: labels that overlap count as one, so the interval is wider.
    """
    n, share = moves / overlap, right / moves
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n)) / (1 + Z * Z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _members(text: str) -> list[dict[str, Any]]:
    """The members a call names; none: the model's own.

    Raises
    ------
    ArgumentError
        It is no list of them.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArgumentError(f"members must be a JSON list of objects, got '{text}' ({error})", "members") from None
    if not isinstance(found, list) or not all(isinstance(member, dict) for member in found):
        raise ArgumentError(f"members must be a JSON list of objects, got '{text}'", "members")
    return found


def _rules(arguments: Mapping[str, Any]) -> Rules:
    from models.signals.rules import Rules

    return Rules(
        arguments["horizon"], arguments["waiting"], arguments["threshold"], arguments["release"],
        arguments["cool_down"], arguments["warm_up"], arguments["fee"], arguments["eta"], arguments["discount"],
    )  # fmt: skip


def _check(arguments: Mapping[str, Any]) -> None:
    """The rules over what cannot be said of one argument alone.

    Raises
    ------
    ArgumentError
        A release above the threshold, members that cannot be, or values to fill in from nothing.
    """
    refuse_imputing(arguments, "a bar that is not there has no price")
    try:
        _rules(arguments)
    except ParameterError as error:
        raise ArgumentError(str(error), "release", "threshold") from None
    given = _members(arguments["members"])
    if given and arguments["preset"] == "original":
        raise ArgumentError("preset 'original' has members of its own: leave members out", "members", "preset")
    if given:
        try:
            _pool(1, arguments)
        except ModelError as error:
            raise ArgumentError(f"members: {error}", "members") from None


def _pool(features: int, arguments: Mapping[str, Any]) -> SignalsPool | OriginalMarketPool:
    from models.original_market import OriginalMarketPool
    from models.signals import SignalsPool

    if arguments["preset"] == "original":
        return OriginalMarketPool(features, _rules(arguments))
    given = _members(arguments["members"])
    return SignalsPool(features, _rules(arguments), given) if given else SignalsPool(features, _rules(arguments))


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    """The import is here because it loads the compiled kernels."""
    return _pool(columns - MARKS, arguments)


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """A list a column; NULL where there is nothing to say."""

    def numbers(name: str) -> list[float | None]:
        return [None if value != value else value for value in outputs[name].tolist()]

    def whole(name: str) -> list[int]:
        return [int(value) for value in outputs[name].tolist()]

    def share(of: str, among: str, scale: float = 1.0) -> list[float | None]:
        pairs = zip(outputs[of].tolist(), outputs[among].tolist(), strict=True)
        return [scale * value / n if n else None for value, n in pairs]

    moves, zeros = outputs["moves"].tolist(), outputs["zeros"].tolist()
    settled = outputs["settled"].tolist()
    ends = [
        interval(right, n, overlap) if n else (None, None)
        for right, n, overlap in zip(outputs["right"].tolist(), moves, outputs["overlap"].tolist(), strict=True)
    ]
    by_name: dict[str, Sequence[Any]] = {
        "signal": [{1.0: "BUY", -1.0: "SELL"}.get(value) for value in outputs["signal"].tolist()],
        "settled": [int(value) for value in settled],
        "moves": whole("moves"), "dropped": whole("dropped"), "signals": whole("signals"),
        "zero_share": [z / (n + z) if n + z else None for n, z in zip(moves, zeros, strict=True)],
        "accuracy": share("right", "moves"),
        "accuracy_low": [low for low, _ in ends], "accuracy_high": [high for _, high in ends],
        "inverse_accuracy": share("inverse_right", "moves"), "baseline_up": share("ups", "moves"),
        "baseline_same": share("same", "moves"), "baseline_opposite": share("opposite", "moves"),
        "brier": share("squared", "moves"),
        "gross_bp": share("gross", "trades", 1e4), "net_bp": share("net", "trades", 1e4),
        "signals_net_bp": share("signal_net", "signals", 1e4),
    }  # fmt: skip
    return tuple(by_name[added.name] if added.name in by_name else numbers(added.name) for added in ADDED)


FUNCTION: Final = TableFunction(
    name="MARKET_SIGNALS",
    summary="Predicts where each key's price goes over the next bars, keeps score of itself, and gives signals.",
    description="""\
Every row is a closed bar of its key, and gets a score: -1, will fall, to 1, will rise, one `horizon` from now. The
truth is the `mid` of the last bar at or before that moment, by event time; it is known with the first row at or behind
it. Only then is the prediction scored, and only then learned: features and score are those of when it was made. Where
no price was there in time (the last one is more than half a horizon older), the prediction is `dropped`.

The members are classifiers as in [ONLINE_CLASSIFIER](#online_classifier). Each has a weight: whoever was on the wrong
side loses `eta` of its logarithm, and the past fades by `discount` a label (Hedge). The score is `2 p - 1` of the
weighted probability. `inverse_score` weighs by inverse mean absolute error over 100 labels instead. Errors of such
predictions hardly differ, so neither do these weights: `inverse_weight_low` and `inverse_weight_high` show it.

A signal needs a score of `threshold` from 0, comes once until the score was within `release` of 0 or on the other side,
not within `cool_down` of another, and not before `warm_up` moves were learned.

All other columns are the scoreboard of the key from its beginning, as it is known at the row. A price that is the same
one horizon later is no move: it counts in `zero_share`, and nowhere else. A score of 0 is worth half a point. The ends
of the interval are Wilson's, over as many labels as do not overlap. `gross_bp` and `net_bp` are what a trade for one
horizon on every score would have brought: at mid prices; and bought at the ask, sold at the bid, with `fee` twice.

`preset => 'original'` is the ensemble of the original market system, to compare with: five lines through a tanh that
learn the return since the row before, at every row, and predict it; weighed by inverse mean absolute error; a signal at
every row at or beyond the threshold. Its scoreboard is the same honest one; [what it
shows](market.md#the-original-system).

**What to expect.** One minute ahead, 0.52 is honest, above 0.55 there is a leak until somebody shows otherwise, and a
mean move of five basis points does not pay for two fees of ten.

NULL in any column it reads gives NULL in all, and the row is no bar. There is no chance in it: `seed` changes nothing.
`on_null => 'impute'` is refused. A key takes some 30 KB with ten features and the default members; a row takes about 20
microseconds where packs hold many keys, ten times that where they hold one.

Sources: Freund, Schapire, "A decision-theoretic generalization of on-line learning", JCSS 55, 1997; Gama, Sebastião,
Rodrigues, "On evaluating stream learning algorithms", Machine Learning 90, 2013; the interval: Wilson, "Probable
inference, the law of succession, and statistical inference", JASA 22, 1927.""",
    arguments=with_common(*OWN, reads=READS),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    check=_check,
    reads=("mid", "bid", "ask", "features"),
    columns_low=MARKS + 1,
    columns_high=MOST_COLUMNS,
    example="""\
CREATE VIEW signalled AS
SELECT * FROM MARKET_SIGNALS(
    input    => TABLE charted PARTITION BY (venue, symbol),
    on_time  => DESCRIPTOR(bar_time),
    mid      => DESCRIPTOR(mid),
    bid      => DESCRIPTOR(bid),
    ask      => DESCRIPTOR(ask),
    features => DESCRIPTOR(rsi, macd_histogram, bollinger_position, volume_ratio),
    horizon  => INTERVAL '1' MINUTE);""",
)
