"""CHAMPION_CHALLENGER: several learners side by side; the one serves that has proved to be better."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.errors import ParameterError
from udfs.functions import online_classifier
from udfs.functions.declaration import AddedColumn, Argument, ArgumentError, ArgumentType
from udfs.functions.label_arguments import LABEL_TIMEOUT, MAX_PENDING, NEGATIVE_AFTER_TIMEOUT, with_labels
from udfs.functions.labelled import CALLED, LabelledFunction, check_waiting, feature_refusal

if TYPE_CHECKING:
    from models.learning.interface import LearnerPool
    from models.pool import ModelPool

CANDIDATES: Final = Argument(
    name="candidates",
    type=ArgumentType.STRING,
    help="The configurations, 2 to 32 as a JSON list of objects with algorithm and its parameters; the first serves.",
)

LOSS: Final = Argument(
    name="loss",
    type=ArgumentType.STRING,
    default="brier",
    choices=("error", "brier", "log"),
    help="What is compared: wrong classes, squared distances, or log losses of probabilities clipped to 0.01.",
)

ALPHA: Final = Argument(
    name="alpha",
    type=ArgumentType.DOUBLE,
    default=0.05,
    low=1e-9,
    high=0.5,
    help="The chance, in the life of a key, that any promotion is of a candidate that was no better.",
)

MINIMUM_ROWS: Final = Argument(
    name="minimum_rows",
    type=ArgumentType.BIGINT,
    default=200,
    low=1,
    high=1_000_000_000,
    help="No promotion before so many labelled rows were compared.",
)

COOL_DOWN: Final = Argument(
    name="cool_down",
    type=ArgumentType.BIGINT,
    default=1_000,
    low=0,
    high=1_000_000_000,
    help="No promotion within so many labelled rows of a change of champion.",
)

COMPARISON_ROWS: Final = Argument(
    name="comparison_rows",
    type=ArgumentType.BIGINT,
    default=100_000,
    low=1,
    high=1_000_000_000,
    help="A comparison without a winner ends after so many labelled rows, and another begins.",
)

ROLLBACK_ALPHA: Final = Argument(
    name="rollback_alpha",
    type=ArgumentType.DOUBLE,
    default=0.05,
    low=1e-9,
    high=0.5,
    help="As alpha, of a rollback, for each promotion.",
)

ROLLBACK_ROWS: Final = Argument(
    name="rollback_rows",
    type=ArgumentType.BIGINT,
    default=20_000,
    low=0,
    high=1_000_000_000,
    help="For so many labelled rows after a promotion the former champion may come back; 0: it may not.",
)

#: What the gate is told, by its own names.
RULES: Final = ("alpha", "minimum_rows", "cool_down", "comparison_rows", "rollback_alpha", "rollback_rows")

ADDED: Final = (
    AddedColumn(
        "kind",
        "STRING",
        "'prediction' at once; 'outcome' when the label came, or can come no more; 'decision' of the gate.",
    ),
    *online_classifier.ADDED[1:],
    AddedColumn(
        "champion",
        "BIGINT",
        "Number of the candidate whose probability it is, from 0; of a decision, of the one that serves from then on.",
    ),
    AddedColumn("probabilities", "STRING", "What every candidate predicted then, as a JSON list in their order."),
    AddedColumn("decision", "STRING", "Of a decision: 'promote', 'rollback', 'confirm' or 'keep'."),
    AddedColumn("evidence", "STRING", "Of a decision: why, as a JSON object."),
)


@dataclass(frozen=True, kw_only=True)
class ChallengedFunction(LabelledFunction):
    """A function whose argument ``candidates`` lists several learners; their parameters have their names in SQL."""

    decides: bool = True

    def resolve(self, given: Mapping[str, object]) -> dict[str, Any]:
        """As of every function; candidates are checked as far as that is possible without the input."""
        resolved = super().resolve(given)
        try:
            candidates = _candidates(resolved["candidates"])
            self._challengers(1, 0, {**resolved, "candidates": json.dumps(candidates)})
        except ParameterError as error:
            raise ArgumentError(str(error), "candidates") from error
        # two texts that say the same are the same: state depends on it
        resolved["candidates"] = json.dumps(candidates, sort_keys=True)
        return resolved

    def make_learner(self, numbers: int, categories: int, arguments: Mapping[str, Any]) -> LearnerPool:
        """Champion and challengers."""
        return self._challengers(numbers, categories, arguments)

    def chosen(self, arguments: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of the candidates."""
        return tuple(each["algorithm"] for each in json.loads(arguments["candidates"]))

    def _challengers(self, numbers: int, categories: int, arguments: Mapping[str, Any]) -> LearnerPool:
        from models.champion.challengers import challengers
        from models.learning.parameters import nearest

        known, found = self.algorithms(), []
        for number, each in enumerate(json.loads(arguments["candidates"])):
            algorithm = known.get(each["algorithm"])
            if algorithm is None:
                names = ", ".join(map(repr, known))
                raise ParameterError(f"candidate {number}: algorithm must be one of {names}, got {each['algorithm']!r}")
            own = {called: name for name in algorithm.parameters for called in (CALLED.get(name, name),)}
            for name in each:
                if name not in own and name != "algorithm":
                    hint = nearest(name, own) or f"; it has {', '.join(own)}"
                    raise ParameterError(f"candidate {number}: {algorithm.name!r} has no {name}{hint}")
            told = {own[name]: value for name, value in each.items() if name != "algorithm"}
            if "seed" in own and arguments["seed"] != algorithm.parameters["seed"].default:
                told.setdefault("seed", arguments["seed"])
            found.append({**told, "algorithm": algorithm.name})
        rules = {name: arguments[name] for name in RULES}
        return challengers(found, columns=numbers, categories=categories, loss=arguments["loss"], **rules)


def _candidates(text: str) -> list[dict[str, Any]]:
    from models.champion.challengers import parse_candidates

    return parse_candidates(text)


def _check(arguments: Mapping[str, Any]) -> None:
    """How long labels may take, and the gate's own rule.

    Raises
    ------
    ArgumentError
        As of `check_waiting`; or a comparison is over before anything could be promoted.
    """
    check_waiting(arguments)
    if arguments["comparison_rows"] < arguments["minimum_rows"]:
        raise ArgumentError(
            f"comparison_rows must be at least minimum_rows ({arguments['minimum_rows']}), or nothing could ever be "
            f"promoted; got {arguments['comparison_rows']}",
            "comparison_rows",
            "minimum_rows",
        )


def _make_pool(columns: int, arguments: Mapping[str, Any]) -> ModelPool:
    return FUNCTION.make_learner(columns - 1, 0, arguments)


def _present(
    outputs: Mapping[str, Any], column_names: Sequence[str], arguments: Mapping[str, Any]
) -> tuple[Sequence[Any], ...]:
    """What is served of what was said, and decisions as text."""
    said, decisions = outputs["prediction"], outputs["decision"]
    served = [None if each is None else each[1 + each[0]] for each in said]
    decided = [None if each is None else json.dumps(each) for each in decisions]
    champions = [
        each["champion"] if each is not None else None if of is None else of[0]
        for of, each in zip(said, decisions, strict=True)
    ]
    return (
        *online_classifier.present({**outputs, "prediction": served}, column_names, arguments),
        champions,
        [None if each is None else json.dumps(each[1:]) for each in said],
        [None if each is None else each["decision"] for each in decisions],
        decided,
    )


FUNCTION: Final = ChallengedFunction(
    name="CHAMPION_CHALLENGER",
    summary="Several learners side by side; one serves, and another takes over when it has proved to be better.",
    description="""\
As ONLINE_CLASSIFIER, with several configurations instead of one: all of them predict each input and learn each label.
What comes out is the champion's probability. The first candidate is the first champion of each key; another one takes
over when a test says that it is better, and only then. What happens to labels that are early, late, doubled, revised or
missing is told there, and so are the metrics and the time of an outcome.

Each candidate is judged by the prediction it made **when the input came**, kept with all others until the label is
there; `probabilities` shows them, so that candidates that do not serve can be measured too:
`CAST(JSON_VALUE(probabilities, '$[1]') AS DOUBLE)`.

A row of kind 'decision' comes out behind the outcome that decided, with the columns of that outcome's input and its
time; probability, label and version are NULL, so metrics over all rows do not count it.

| `decision` | What happened | `champion` |
|---|---|---|
| 'promote' | a challenger was proved better, and serves from the next input on | the new one |
| 'rollback' | the former champion was proved better than the one that took over | the former one |
| 'confirm' | the probation of the champion is over, `rollback_rows` after it took over | the same as before |
| 'keep' | a comparison ended after `comparison_rows` without a winner | the same as before |

`evidence` has, beside `decision` and `champion`: `before`, who served until then; `candidate`, who is meant (of 'keep',
the nearest to winning); `e_value`, the evidence that it is better, and how much was `needed`; `gain`, how much lower
its loss was in the mean, and `gain_at_least`, the lower end of the confidence sequence of that; `rows` that were
compared; `squares`, the sum of squared differences of losses. From the row behind the label on the new champion serves,
within the same pack too: what comes out does not depend on packs.

The test is looked at after every label, for ever, and the chance that a key ever promotes a candidate which was no
better is `alpha` at most, whatever the rows are: they may drift and depend on each other. It is a bet on the
differences of losses, whose capital is worth `needed` only if the candidate is better. How long it takes depends on how
much better it is: where just one of two is wrong on a tenth of the rows, some 376 rows for five points of accuracy, and
2,430 for two.

A candidate is `{"algorithm": NAME}` with parameters, both as in ONLINE_CLASSIFIER: `{"algorithm": "logistic",
"learning_rate": 0.05}`. A `seed` in it goes before that of the call. Time and memory are the sum of all candidates'.

Source: Waudby-Smith, Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024); Choe, Ramdas,
"Comparing sequential forecasters", Operations Research 72 (2024); Wu and others, "ChaCha for online AutoML", ICML
2021.""",
    arguments=with_labels(
        LABEL_TIMEOUT,
        NEGATIVE_AFTER_TIMEOUT,
        MAX_PENDING,
        CANDIDATES,
        LOSS,
        ALPHA,
        MINIMUM_ROWS,
        COOL_DOWN,
        COMPARISON_ROWS,
        ROLLBACK_ALPHA,
        ROLLBACK_ROWS,
    ),
    added=ADDED,
    make_pool=_make_pool,
    present=_present,
    columns_high=1_000,
    refuses_type=feature_refusal,
    check=_check,
    task="classification",
    is_label=online_classifier.FUNCTION.is_label,
    label_types=online_classifier.FUNCTION.label_types,
    example="""\
CREATE VIEW served AS
SELECT * FROM CHAMPION_CHALLENGER(
    input         => TABLE impressions PARTITION BY campaign,
    labels        => TABLE clicks      PARTITION BY campaign,
    on_time       => DESCRIPTOR(event_time),
    id            => DESCRIPTOR(impression_id),
    features      => DESCRIPTOR(hour_of_day, device, price),
    label         => DESCRIPTOR(clicked),
    label_timeout => INTERVAL '2' HOUR, negative_after_timeout => TRUE,
    candidates    => '[{"algorithm": "logistic", "learning_rate": 0.01},
                       {"algorithm": "logistic", "learning_rate": 0.1},
                       {"algorithm": "adaptive_random_forest"}]');""",
)
