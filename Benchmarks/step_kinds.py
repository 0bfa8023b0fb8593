"""The three kinds of steps of Documentation/predictions.md, "The program's share"."""
import os

LOCKED = {"used-counter-atomic", "statistic-atomic", "lock-uncontended", "atomic-uncontended"}
ELSEWHERE = {"heap-init", "segment-init"}


def kinds(root=os.path.dirname(os.path.dirname(os.path.abspath(__file__)))):
    """Each step's kind, from the groups of Documentation/steps.md."""
    kind = {}
    for line in open(root + "/Documentation/steps.md"):
        cells = [cell.strip(" `") for cell in line.split("|")]
        if len(cells) == 5 and cells[1] not in ("step", "---"):
            step, group = cells[1:3]
            elsewhere = group in ("kernel", "bulk") or step in ELSEWHERE \
                or (group == "machine" and step != "branch-miss")
            kind[step] = "locked" if step in LOCKED else "elsewhere" if elsewhere else "plain"
    return kind
