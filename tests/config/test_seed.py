"""Seeds: read with their revision, or refused with file, line, key and remedy."""

from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.config.caps import of_floor, of_run
from factory_tui.config.reading import Mistakes
from factory_tui.config.seed import Seed, all_seeds, load_seed
from factory_tui.config.settings import PolicyTable
from factory_tui.config.workspace import Workspace

HEAD = '+++\nowner = "demo"\n+++\n'
PROSE = "Shorten links.\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "seeds").mkdir()
    return Workspace(tmp_path)


def put(workspace: Workspace, name: str, text: str | bytes = HEAD + PROSE) -> Path:
    path = workspace.seeds / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def mistakes(workspace: Workspace, name: str, owners: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        load_seed(workspace, name, owners)
    return [str(problem) for problem in caught.value.problems]


def test_the_caps_of_a_seed_go_before_those_of_the_policy(workspace: Workspace) -> None:
    head = '+++\nowner = "demo"\nbudget = { run_tokens = 900, pass_cap = 0.50 }\n+++\nhi\n'
    put(workspace, "shop.md", head)
    put(workspace, "plain.md", head.replace("{ run_tokens = 900, pass_cap = 0.50 }", "7"))
    policy = PolicyTable(run_cap=Decimal(3), pass_cap=Decimal(1), step_tokens=50, factory_cap=Decimal(99))
    shop, plain = load_seed(workspace, "shop"), load_seed(workspace, "plain")
    assert of_run(policy, shop) == {"run_cap": 3, "run_tokens": 900, "pass_cap": Decimal("0.5"), "step_tokens": 50}
    assert of_run(policy, plain) == {"run_cap": 7, "pass_cap": 1, "step_tokens": 50}
    assert of_floor(policy) == {"factory_cap": 99}


def test_a_seed_is_its_front_matter_and_its_prose(workspace: Workspace) -> None:
    put(
        workspace,
        "shop.md",
        '+++\nowner = "demo"\nship_at = 0.8\nbudget = 2.50\nmax_passes = 3\n+++\n\n# Shop\n\n+++\nnot front matter\n',
    )
    seed = load_seed(workspace, "shop", ("demo",))
    assert (seed.name, seed.owner, seed.loop, seed.file) == ("shop", "demo", "factory", "seeds/shop.md")
    assert (seed.ship_at, seed.alpha, seed.max_passes, seed.budget) == (0.8, None, 3, Decimal("2.5"))
    assert seed.prose == "# Shop\n\n+++\nnot front matter\n"
    assert seed.attachments == ()
    assert len(seed.revision) == 12


def test_a_folder_brings_attachments(workspace: Workspace) -> None:
    put(workspace, "shop/seed.md")
    put(workspace, "shop/api/openapi.json", "{}")
    put(workspace, "shop/z.png", b"\xff")
    put(workspace, "shop/.z.png.swp", "an editor's")
    (workspace.seeds / "shop" / "alias.json").symlink_to("api/openapi.json")
    seed = load_seed(workspace, "shop")
    assert seed.file == "seeds/shop/seed.md"
    assert [(one.path, one.size) for one in seed.attachments] == [
        ("alias.json", 2),
        ("api/openapi.json", 2),
        ("z.png", 1),
    ]
    assert seed.attachments[0].digest == seed.attachments[1].digest


def test_the_revision_names_the_content(workspace: Workspace) -> None:
    seen: list[Seed] = []

    def changed() -> bool:
        seen.append(load_seed(workspace, "shop"))
        return len({seed.revision for seed in seen}) == len(seen)

    put(workspace, "shop/seed.md")
    assert changed()
    put(workspace, "shop/seed.md", HEAD + PROSE + "And count them.\n")
    assert changed()
    put(workspace, "shop/a", "1")
    assert changed()
    put(workspace, "shop/a", "2")
    assert changed()
    (workspace.seeds / "shop" / "a").rename(workspace.seeds / "shop" / "b")
    assert changed()
    put(workspace, "shop/.b.swp", "x")
    assert not changed()
    (workspace.seeds / "shop").rename(workspace.seeds / "store")
    assert load_seed(workspace, "store").revision == seen[-1].revision


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("+++\nloop = 'x'\n+++\nhi", "seeds/a.md:2: owner: ", 'no owner. Remedy: Add owner = "name"'),
        ("+++\nowner = ' '\n+++\nhi", "seeds/a.md:2: owner: ", "no owner"),
        (HEAD + " \n", "seeds/a.md:3: ", "no prose"),
        ("", "seeds/a.md:1: ", "the seed is empty. Remedy: Begin the file with a line `+++`"),
        ("Shorten links.\n", "seeds/a.md:1: ", "the first line is not `+++`"),
        ("+++\nowner = 'demo'\nhi\n", "seeds/a.md:1: ", "never ends. Remedy: Close it"),
        ("+++\nowner = 'demo'\nshipat = 1\n+++\nhi", "seeds/a.md:3: shipat: ", "Did you mean `ship_at`?"),
        (
            "+++\nowner = 'demo'\ntwins = ['pay']\n+++\nhi",
            "seeds/a.md:3: twins[0]: ",
            "no twin `pay`. Remedy: There are: ",
        ),
        ("+++\nowner = 3\n+++\nhi", "seeds/a.md:2: owner: ", "expected text in quotes"),
        ("+++\nowner = 'demo'\nship_at = 2\n+++\nhi", "seeds/a.md:3: ship_at: ", "at most 1"),
        ("+++\nowner = 'demo'\n\nbudget = -1\n+++\nhi", "seeds/a.md:4: budget: ", "at least 0"),
        (
            "+++\nowner = 'demo'\nbudget = { run_cap = 2, pass_tokens = -1 }\n+++\nhi",
            "seeds/a.md:3: budget.pass_tokens: ",
            "at least 0",
        ),
        (
            "+++\nowner = 'demo'\nbudget = { run_tokns = 1 }\n+++\nhi",
            "seeds/a.md:3: budget.run_tokns: ",
            "`run_tokens`?",
        ),
        ("+++\nowner = 'demo'\nbudget = { step_tokens = 1.5 }\n+++\nhi", "seeds/a.md:3: ", "a whole number"),
        ("+++\nowner = 'demo'\nbudget = 'much'\n+++\nhi", "seeds/a.md:3: budget: ", "`much` does not fit"),
        ("+++\nowner = 'demo'\nloop = '../x'\n+++\nhi", "seeds/a.md:3: loop: ", "no loop's name"),
        ("+++\nowner = demo\n+++\nhi", "seeds/a.md:2: ", "not TOML"),
        (HEAD.encode() + b"caf\xe9\n", "seeds/a.md:4: ", "byte 4 of the line, 0xe9, is not UTF-8"),
    ],
)
def test_each_mistake_is_told_at_its_line(workspace: Workspace, text: str | bytes, where: str, says: str) -> None:
    put(workspace, "a.md", text)
    found = mistakes(workspace, "a")
    assert found[0].startswith(where)
    assert says in found[0]
    assert " Remedy: " in found[0]


def test_an_owner_is_looked_up_where_owners_are_configured(workspace: Workspace) -> None:
    put(workspace, "a.md")
    assert load_seed(workspace, "a", ()).owner == "demo"
    assert mistakes(workspace, "a", ("dema",)) == [
        "seeds/a.md:2: owner: `demo` is not under [owners] in config.toml. Remedy: Did you mean `dema`?"
    ]
    assert "Add [owners.demo] to config.toml." in mistakes(workspace, "a", ("zz",))[0]


def test_a_file_and_a_folder_of_one_name_are_refused(workspace: Workspace) -> None:
    put(workspace, "a.md")
    put(workspace, "a/seed.md")
    assert "seeds/a/ and seeds/a.md are one name. Remedy: Keep one" in mistakes(workspace, "a")[0]


def test_names_that_differ_in_case_alone_are_refused(workspace: Workspace) -> None:
    put(workspace, "shop.md")
    put(workspace, "Shop.md")
    assert "seeds/Shop.md and seeds/shop.md are one name" in mistakes(workspace, "shop")[0]
    assert "are one name" in mistakes(workspace, "Shop")[0]


def test_names_with_spaces_or_capitals_are_refused(workspace: Workspace) -> None:
    put(workspace, "My Shop.md")
    assert (
        "cannot be a seed's name. Remedy: Use small letters, digits, `-` and `_`: `my-shop`."
        in (mistakes(workspace, "My Shop")[0])
    )


def test_a_folder_needs_a_seed(workspace: Workspace) -> None:
    put(workspace, "a/openapi.json", "{}")
    assert mistakes(workspace, "a")[0].startswith("seeds/a/seed.md: the seed's folder has no seed.md.")


@pytest.mark.parametrize("name", ["a.md", "a", "a/seed.md", "a/notes", "a/deep"])
def test_a_link_out_of_its_folder_is_refused(workspace: Workspace, tmp_path: Path, name: str) -> None:
    outside = tmp_path / "outside"
    (outside / "inner").mkdir(parents=True)
    (outside / "seed.md").write_text(HEAD + PROSE)
    if name.startswith("a/"):
        put(workspace, "a/seed.md")
        (workspace.seeds / name).unlink(missing_ok=True)
    (workspace.seeds / name).symlink_to(outside / ("seed.md" if "." in name or "notes" in name else ""))
    found = mistakes(workspace, "a")
    assert found == [f"seeds/{name}: the link leads out of its folder. Remedy: Put the file itself there."]


def test_a_link_that_leads_nowhere_is_refused(workspace: Workspace) -> None:
    put(workspace, "a/seed.md")
    (workspace.seeds / "a" / "gone").symlink_to("nothing")
    assert "the link leads nowhere" in mistakes(workspace, "a")[0]


def test_a_seed_that_is_not_there_names_the_nearest(workspace: Workspace) -> None:
    put(workspace, "shortlinks.md")
    assert mistakes(workspace, "shortlink")[0].endswith(
        "there is no seed `shortlink`. Remedy: Did you mean `shortlinks`?"
    )
    assert "one of: shortlinks" in mistakes(workspace, "zzz")[0]
    assert "there is no seed" in mistakes(workspace, "../shortlinks")[0]
    assert "none yet" in mistakes(Workspace(workspace.root / "nowhere"), "x")[0]


def test_all_seeds_are_read_and_the_bad_ones_told(workspace: Workspace) -> None:
    put(workspace, "b.md")
    put(workspace, "a/seed.md")
    put(workspace, "bad.md", "")
    put(workspace, "Worse.md")
    put(workspace, "README.md", "notes")
    put(workspace, ".hidden.md", "notes")
    seeds, problems = all_seeds(workspace)
    assert [seed.name for seed in seeds] == ["a", "b"]
    assert [problem.file for problem in problems] == ["seeds/bad.md", "seeds/Worse.md"]
