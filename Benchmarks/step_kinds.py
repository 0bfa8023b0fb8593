"""The three kinds of steps of Documentation/predictions.md, "The program's share"."""
import os


def kinds(root=os.path.dirname(os.path.dirname(os.path.abspath(__file__)))):
    """Each step's kind, as Documentation/steps.md has it, which a test holds to the catalogue."""
    kind = {}
    for line in open(root + "/Documentation/steps.md"):
        cells = [cell.strip(" `") for cell in line.split("|")]
        if line.startswith("| `") and len(cells) == 6:
            kind[cells[1]] = cells[3]
    return kind
