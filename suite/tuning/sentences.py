"""The result of a study in sentences, which terminal, MLflow and report share."""

from typing import Any

from suite.disk.documents import Record
from suite.recipe.values import as_words
from suite.text import plural


def sentences(facts: Record) -> list[str]:
    """The sentences about a study that apply to it: verdict, winner's curse, test accuracy, cost."""
    parts = (verdict_words, winners_curse_sentence, test_words, cost_words)
    return [line for words in parts if (line := words(facts))]


def setting_words(row: Record) -> str:
    """The values of a finalist, marked if they are the published ones."""
    return as_words(row["values"]) + (" (published)" if row["published"] else "")


def interval_words(interval: list[float] | None) -> str | None:
    """The interval as a text such as `0.8350 to 0.8593`."""
    return f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else None


def verdict_words(facts: Record) -> str:
    """A sentence that says whether the winner is better than the published setting."""
    if not facts.get("outcome"):
        return "No trial was trained to its end yet."
    rows, verdict = facts["outcome"]["rows"], facts["outcome"]["verdict"]
    winner, seeds = rows[0], plural(len(facts["outcome"]["seeds"]), "fresh seed")
    name = f"Trial {winner['trial']} ({as_words(winner['values'])})"
    if verdict["word"] == "published":
        return f"The published setting itself is the best that was found: {_fresh(winner)} under {seeds}."
    if "difference" not in verdict:
        return f"{name} against the published setting: {verdict['word']}, for a seed diverged."
    low, high = verdict["interval"]
    sentence = {
        "better": "is better than the published setting",
        "worse": "is worse than the published setting",
        "no difference shown": "is not shown to differ from the published setting",
    }[verdict["word"]]
    bound = f" A difference above {max(-low, high):.4f} is ruled out." if low <= 0 <= high else ""
    return (
        f"{name} {sentence}: {verdict['difference']:+.4f} on the validation images "
        f"(95 % {low:+.4f} to {high:+.4f}, paired over {seeds}).{bound}"
    )


def winners_curse_sentence(facts: Record) -> str:
    """A sentence about the winner's drop from the search to the fresh seeds; empty if there is none."""
    winner = (facts.get("outcome") or {"rows": [{}]})["rows"][0]
    if winner.get("drop") is None:
        return ""
    return f"In the search it had {winner['search']:.4f}, under fresh seeds {_fresh(winner)}: {-winner['drop']:+.4f}."


def test_words(facts: Record) -> str:
    """A sentence about the winner's test accuracy; empty if the current winner was not tested."""
    test = facts.get("test")
    if not test or test.get("winner") != winner_words(facts):
        return ""
    interval = f" (95 % {test['interval'][0]:.4f} to {test['interval'][1]:.4f})" if test["interval"] else ""
    looks = test["looks"]
    more = f" This study has looked at the test images for {looks} winners by now." if looks > 1 else ""
    return (
        f"Trained on all training images it gets {test['mean']:.4f}{interval} of the test images right, "
        f"{plural(test['n'], 'seed')}.{more}"
    )


def winner_words(facts: Record) -> str:
    """The winner's values as a text, which serves as a key; empty without a winner."""
    return as_words(facts["outcome"]["rows"][0]["values"]) if facts.get("outcome") else ""


def cost_words(facts: Record) -> str:
    """A sentence about the time that all commands spent on the study: training, evaluation and the rest."""
    cost = facts["cost"]
    if not cost.get("capacity"):
        return ""
    other = 1 - (cost["train"] + cost["validate"]) / cost["capacity"]
    return (
        f"{cost['wall']:,.0f} s in all, of which each worker spent {cost['train'] / cost['capacity']:.1%} in training, "
        f"{cost['validate'] / cost['capacity']:.1%} in evaluation and {other:.1%} in neither."
    )


def counts(trials: list[dict[str, Any]]) -> str:
    """The number of trials by state, such as `30 trials: 8 complete, 21 pruned, 1 failed`."""
    names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}
    states = [one["state"] for one in trials]
    parts = [f"{states.count(state)} {name}" for state, name in names.items() if state in states]
    return f"{plural(len(trials), 'trial')}: {', '.join(parts)}" if trials else "no trial"


def _fresh(row: dict[str, Any]) -> str:
    if row["mean"] is None:
        return "diverged"
    low, high = row["interval"]
    return f"{row['mean']:.4f} (95 % {low:.4f} to {high:.4f})"
