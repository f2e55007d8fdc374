"""The commands on a seed's scenarios: what is wrong with them, that somebody reviewed them, and how code does by them.

Imports stay inside the functions, as in `cli`.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from factory_tui.drafting import waiting
from factory_tui.following import FAILED, SHIPPED, USAGE, order, typed

if TYPE_CHECKING:
    from factory_tui.config.workspace import Workspace
    from factory_tui.domain.money import Burn
    from factory_tui.domain.stories import Story
    from factory_tui.engine.against import Judgement
    from factory_tui.engine.court import Bar

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""
_CANARY = re.compile(r"\n\(canary-[0-9a-f]+\)$")


def check(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Print what is wrong with scenarios, by file, line and remedy; fails where a run could not start."""
    import json

    import msgspec

    from factory_tui.config.seed import load_seed, seed_names
    from factory_tui.harness.reviewing import check as checked

    if arguments.against and not (arguments.seed and Path(arguments.against).is_dir()):
        print("--against goes with a seed and a folder. Remedy: scenarios check SEED --against DIR", file=sys.stderr)
        return USAGE
    names = [load_seed(workspace, arguments.seed).name] if arguments.seed else seed_names(workspace)
    found = list(checked(workspace, names, alone=bool(arguments.seed)))
    broken = any(one.level == "error" for one in found)
    told = [{"level": one.level, **msgspec.structs.asdict(one.problem)} for one in found]
    if arguments.json:
        if broken or not arguments.against:
            print(json.dumps({"findings": told, "played": []} if arguments.against else told))
    else:
        for one in found:
            print(f"{one.level}: {one.problem}")
        if not found:
            print(f"the scenarios of {', '.join(names) or 'no seed'} are in order")
        for line in waiting(workspace, names):
            print(line)
    if broken:
        return FAILED
    return _tried(workspace, arguments, told) if arguments.against else SHIPPED


def _tried(workspace: "Workspace", arguments: argparse.Namespace, findings: list[dict[str, object]]) -> int:
    """Play each scenario once against a folder of code; succeeds where every one is satisfied."""
    import json
    import secrets

    from factory_tui.cells.protocol import CellError
    from factory_tui.engine.against import once
    from factory_tui.harness.feedback import evidence

    draws = arguments.draws or secrets.token_hex(4)
    folder = Path(arguments.against)
    try:
        tried = asyncio.run(
            once(
                workspace,
                arguments.seed,
                folder,
                draws=draws,
                say=lambda line: print(line, file=sys.stderr, flush=True),
            )
        )
    except CellError as trouble:
        print(trouble, file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"{error.filename}: {error.strerror}. Remedy: see that it is there and yours.", file=sys.stderr)
        return USAGE
    if arguments.json:
        played = [
            {"scenario": scenario.name, "satisfied": one.satisfied, "evidence": evidence(one)}
            for scenario, one in tried
        ]
        print(json.dumps({"findings": findings, "played": played, "draws": draws}))
        return SHIPPED if all(one.satisfied for _, one in tried) else FAILED
    for scenario, trajectory in tried:
        how = {None: "void", True: "satisfied", False: "not satisfied"}[trajectory.satisfied]
        told = "" if trajectory.satisfied else evidence(trajectory)
        asked = "  (no model is asked about its rubric)" if scenario.judge and trajectory.satisfied else ""
        print(f"{scenario.name}: {how}{asked}" + (f"\n{told}".replace("\n", "\n    ") if told else ""))
    print(f"each once, draws {draws}")
    return SHIPPED if all(trajectory.satisfied for _, trajectory in tried) else FAILED


def history(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Print what each scenario was found to be in the newest visits of a seed, and what its verdicts are worth."""
    import msgspec

    from factory_tui.config.seed import load_seed
    from factory_tui.domain.state import SeedView
    from factory_tui.domain.stories import stories
    from factory_tui.engine.looking import look

    seed = load_seed(workspace, arguments.seed)
    state, _ = asyncio.run(look(workspace))
    view = state.seeds.get(seed.name, SeedView(seed.name))
    told = stories(view, [run for run in state.runs.values() if run.seed == seed.name])
    shaky = {one.name: one.flaky for one in told if one.flaky}
    if arguments.json:
        kept = [{name: value for name, value in msgspec.structs.asdict(one).items() if name != "seen"} for one in told]
        found = {"seed": seed.name, "visits": view.visits, "flaky": shaky, "scenarios": kept}
        print(msgspec.json.encode(found).decode())
        return SHIPPED
    for story in told:
        print(f"{story.name} ({story.set}){f': FLAKY, {story.flaky}' if story.flaky else ''}")
        print(f"  {_worth(story)}")
        for one in view.visits:
            if tally := one.tallies.get(story.name):
                void = f", {tally.void} void" if tally.void else ""
                where = f"{one.run}, pass {one.number}, {one.kind} (visit {one.visit}), revision {one.revision[:8]}"
                under = f", while operators had {', '.join(one.faults)}" if one.faults else ""
                print(f"  {tally.satisfied} of {tally.judged} satisfied{void}: {where}{under}")
    if view.visits:
        print(f"newest visits: {len(view.visits)}; flaky: {', '.join(shaky) or 'none'}")
    else:
        print(f"no visit of {seed.name} has ended yet")
    return SHIPPED


def _worth(story: "Story") -> str:
    """How well it tells passes apart, how much of it is told, and whether it was reviewed."""
    power = story.power
    tells = f"tells passes apart: {power}" + (f" over {power.pairs} pairs" if power.value is not None else "")
    told = "" if story.told is None else f"; {story.told:.0%} of it told"
    if not story.reviewed:
        return f"{tells}{told}; no review known"
    return f"{tells}{told}; reviewed for {story.reviewed[:8]}{', not for the revision of now' if story.stale else ''}"


def schema() -> int:
    """Print the schema of a scenario file, for an editor to complete and check by."""
    from factory_tui.harness.scenario import schema as shape

    print(shape(), end="")
    return SHIPPED


def confirm(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Say that a seed's scenarios judge its newest revision: to the engine, or without one to the files alone."""
    from factory_tui.config.seed import load_seed
    from factory_tui.domain.commands import ConfirmCorpus
    from factory_tui.harness.reviewing import Unwritten, mark_reviewed

    seed = load_seed(workspace, arguments.seed)
    asked = asyncio.run(order(workspace, ConfirmCorpus(seed.name)))
    if asked:
        print(asked, file=sys.stderr)
        return FAILED
    if asked is None:
        try:
            mark_reviewed(workspace.scenarios / seed.name, seed.revision)
        except Unwritten as trouble:
            print(trouble, file=sys.stderr)
            return USAGE
    print(f"the scenarios of {seed.name} are reviewed for revision {seed.revision}")
    print(f"what they say against it: {typed(workspace, f'scenarios check {seed.name}')}")
    return SHIPPED


def run(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Judge a folder of code as the first pass of a run would be; succeeds where that would ship."""
    import json
    import secrets

    from factory_tui.cells.protocol import CellError
    from factory_tui.engine.against import judge
    from factory_tui.engine.court import Bar
    from factory_tui.engine.opening import Refused
    from factory_tui.model.failures import ProviderHeld

    folder = Path(arguments.against)
    if not folder.is_dir():
        print(f"{folder} is no folder. Remedy: name the one that holds the code.", file=sys.stderr)
        return USAGE
    bar = Bar(arguments.judge, arguments.rehearsals)
    try:
        found = asyncio.run(
            judge(
                workspace,
                arguments.seed,
                folder,
                draws=arguments.draws or secrets.token_hex(4),
                most=arguments.number,
                say=lambda line: print(line, file=sys.stderr, flush=True),
                bar=bar,
            )
        )
        print(json.dumps(_summary(found)) if arguments.json else "\n".join(_matrix(found, bar)))
        if arguments.junit:
            Path(arguments.junit).write_bytes(_junit(found))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return USAGE
    except (CellError, ProviderHeld) as trouble:
        print(trouble, file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"{error.filename}: {error.strerror}. Remedy: see that it is there and yours.", file=sys.stderr)
        return USAGE
    return SHIPPED if found.result.decision == "ship" else FAILED


def bias(workspace: "Workspace", arguments: argparse.Namespace) -> int:
    """Hold rubrics against labelled transcripts: how often their judges are wrong, and which way."""
    import json

    import msgspec

    from factory_tui.engine.biases import measure
    from factory_tui.engine.court import Bar
    from factory_tui.engine.opening import Refused
    from factory_tui.harness.labels import FOLDER
    from factory_tui.model.failures import ProviderHeld

    bar, said = Bar(arguments.judge, arguments.rehearsals), lambda line: print(line, file=sys.stderr, flush=True)
    try:
        found, flips, cost = asyncio.run(measure(workspace, arguments.seed, bar, said))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return USAGE
    except ProviderHeld as trouble:
        print(trouble, file=sys.stderr)
        return FAILED
    if not found:
        print(
            f"no rubric of {arguments.seed} has labels. Remedy: write scenarios/{arguments.seed}/{FOLDER}/NAME.jsonl, "
            "as docs/scenarios.md says.",
            file=sys.stderr,
        )
        return USAGE
    if arguments.json:
        print(json.dumps(msgspec.to_builtins({"rubrics": found, "flips": flips, "judging": cost})))
        return SHIPPED
    for name, one in found.items():
        print(f"{name}: false yes {one.false_yes}, false no {one.false_no}{f', {one.void} void' if one.void else ''}")
    print(f"{flips.rate:.0%} of {flips.pairs:g} pairs flip; {_cost(cost, bar)}")
    return SHIPPED


def _summary(found: "Judgement") -> dict[str, object]:
    import msgspec

    one: dict[str, object] = {"seed": found.seed, "revision": found.revision, "corpus": found.corpus.hash}
    one |= {"draws": found.draws, "judging": msgspec.to_builtins(found.judging)}
    result = msgspec.to_builtins(found.result)
    result.pop("symptoms")
    for verdict in result["verdicts"]:
        verdict["evidence"] = _CANARY.sub("", verdict["evidence"])
    return {**one, **result}


def _cost(cost: "Burn", bar: "Bar") -> str:
    """What judges cost; the twin's are marked."""
    return f"{cost.tokens.total} tokens, ${cost.money:f}{'' if bar.live else '  REHEARSAL'}"


def _matrix(found: "Judgement", bar: "Bar") -> Iterator[str]:
    """A line a story: how often it was satisfied, and of the first time that it was not what was seen."""
    wide = max(len(one.name) for one in found.corpus.scenarios)
    for one in sorted(found.corpus.scenarios, key=lambda one: (one.set, one.kind, one.name)):
        verdicts = [verdict for verdict in found.result.verdicts if verdict.scenario == one.name]
        judged = [verdict for verdict in verdicts if verdict.satisfied is not None]
        share = f"{sum(bool(verdict.satisfied) for verdict in judged)}/{len(judged)}" if verdicts else "not run"
        void = f"  {len(verdicts) - len(judged)} void" if len(verdicts) > len(judged) else ""
        yield f"{one.set:<8}  {one.kind:<11}  {one.name:<{wide}}  {share}{void}"
        missed = next((verdict for verdict in verdicts if not verdict.satisfied), None)
        if missed is not None:
            yield f"    #{missed.index} " + _CANARY.sub("", missed.evidence).replace("\n", "\n    ")
    yield f"{'ship' if found.result.decision == 'ship' else 'no ship'}: {found.result.why}"
    if found.result.flips.pairs:
        flips = found.result.flips
        yield (
            f"judges: {flips.rate:.0%} of {flips.pairs:g} pairs of judgements flip, {flips.transcripts} transcripts, "
            f"{_cost(found.judging, bar)}"
        )
        if found.corpus.unlabelled:
            yield f"no human label tells of the bias of {', '.join(found.corpus.unlabelled)}: docs/scenarios.md, Bias"
    yield f"seed {found.seed} {found.revision}, scenarios {found.corpus.hash}, draws {found.draws}"


def _junit(found: "Judgement") -> bytes:
    """One test case a trajectory, as CI systems read it; a void one is skipped."""
    from xml.etree import ElementTree as Xml

    verdicts = found.result.verdicts
    suite = Xml.Element("testsuite", name=found.seed, tests=str(len(verdicts)))
    for verdict in verdicts:
        name, text = f"{verdict.scenario} #{verdict.index}", _NOT_XML.sub("?", _CANARY.sub("", verdict.evidence))
        where = f"{found.seed}.{verdict.set}"
        case = Xml.SubElement(suite, "testcase", classname=where, name=name, time=f"{verdict.seconds:.3f}")
        if not verdict.satisfied:
            kind = "skipped" if verdict.satisfied is None else "failure"
            Xml.SubElement(case, kind, message=text.rpartition("\n")[2]).text = text
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    document: bytes = Xml.tostring(suite, encoding="utf-8", xml_declaration=True)
    return document
