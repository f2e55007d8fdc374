"""Sixty hostile traces: what agents, models and cells wrote, or could have, to reach beyond their pane."""

import itertools

ESC, BEL, ST = "\x1b", "\x07", "\x1b\\"
_SAVES = (f"{ESC}7", f"{ESC}8", f"{ESC}[s", f"{ESC}[u")
TRACES: dict[str, str] = {
    # moving, clearing, scrolling
    "clears the screen": f"{ESC}[2J{ESC}[Howned",
    "clears what was": f"{ESC}[3J{ESC}[1J{ESC}[0J",
    "erases lines": f"{ESC}[2K{ESC}[1K{ESC}[0Kgone",
    "moves up": f"{ESC}[99A{ESC}[99Downed",
    "moves anywhere": "".join(f"{ESC}[{row};{row}Hx" for row in range(1, 60)),
    "saves and restores": "x".join(_SAVES),
    "scrolls a region": f"{ESC}[1;5r{ESC}[99S{ESC}[99T",
    "inserts lines": f"{ESC}[99L{ESC}[99M{ESC}[99@{ESC}[99P",
    "goes back": "abc\x08\x08\x08xyz",
    "returns": "tests passed\rTESTS FAILED",
    "feeds forms": "one\x0ctwo\x0bthree",
    "tabs": "a\tb\t\t\tc" * 40,
    "reverse index": f"{ESC}M" * 50,
    # modes
    "leaves the other screen": f"{ESC}[?1049l{ESC}[?47l",
    "hides the cursor": f"{ESC}[?25l{ESC}[?12h",
    "takes the mouse": f"{ESC}[?1000h{ESC}[?1003h{ESC}[?1006h",
    "pastes in brackets": f"{ESC}[?2004h{ESC}[201~rm -rf /{ESC}[200~",
    "synchronises for ever": f"{ESC}[?2026h",
    "resets": f"{ESC}c{ESC}[!p",
    "another alphabet": f"{ESC}(0lqqqk{ESC}(B\x0e\x0f",
    "kitty's keys": f"{ESC}[>31u{ESC}[=31;1u",
    "inverts": f"{ESC}[?5h",
    "wraps no more": f"{ESC}[?7l",
    "column mode": f"{ESC}[?3h{ESC}#8",
    # colours
    "colours": f"{ESC}[31;41;1;5mred{ESC}[0m",
    "true colours": f"{ESC}[38;2;255;0;0m{ESC}[48;5;196mred",
    "conceals": f"{ESC}[8msecret{ESC}[28m",
    "an endless colour": f"{ESC}[" + "1;" * 3000 + "m",
    "a palette": f"{ESC}]4;1;rgb:ff/00/00{BEL}{ESC}]104{BEL}",
    "a background": f"{ESC}]11;#ff0000{ST}{ESC}]111{BEL}",
    # titles, clipboards, links, notices
    "a title": f"{ESC}]0;evil{BEL}x",
    "a title that does not end": f"{ESC}]2;evil " + "x" * 9000,
    "an icon": f"{ESC}]1;evil{ST}",
    "pushes a title": f"{ESC}[22;0t{ESC}[21t",
    "a clipboard": f"{ESC}]52;c;cm0gLXJmIC8={BEL}done",
    "a clipboard by st": f"{ESC}]52;p;cm0gLXJmIC8={ST}done",
    "asks for the clipboard": f"{ESC}]52;c;?{BEL}",
    "a link": f"{ESC}]8;;https://evil.example{ST}click{ESC}]8;;{ST}",
    "a notice": f"{ESC}]9;evil{BEL}{ESC}]777;notify;a;b{BEL}{ESC}]99;;evil{ST}",
    "a folder": f"{ESC}]7;file://evil/{BEL}{ESC}]1337;CurrentDir=/{BEL}",
    "a picture": f"{ESC}_Ga=T,f=24,s=1,v=1;AAAA{ST}{ESC}Pq#0;2;0;0;0~-{ST}",
    "asks who it is": f"{ESC}[c{ESC}[>c{ESC}[5n{ESC}[6n{ESC}[?1$p{ESC}Z\x05",
    "rings": BEL * 500,
    # eight bits, halves, ends
    "c1": "\x9b31mred\x9d0;evil\x9c\x90q\x9c\x85next\x84",
    "half an escape": f"end {ESC}",
    "half a csi": f"end {ESC}[38;2",
    "escapes in escapes": f"{ESC}{ESC}[{ESC}]0;{ESC}[2J{BEL}",
    "nul": "a\x00b\x00c\x7fd",
    # letters
    "bidi": "access \u202etxt.exe\u2066 level\u2069\u200f",
    "zero width": "a\u200bb\u200dc\ufeffd\u2060e\u00adf",
    "combines": "a" + "\u0301" * 3000,
    "wide": "漢字かな" * 600,
    "wide at the edge": "x" * 59 + "漢" + "y" * 400,
    "families": "👩\u200d👩\u200d👧\u200d👦 1\ufe0f\u20e3 \U0001f3f4\U000e0067\U000e0062\U000e007f" * 60,
    "halves of letters": "\ud800 alone \udfff",
    "bytes that are no text": bytes(range(128, 256)).decode("utf-8", "surrogateescape"),
    "markup": "[@click=app.exit]press[/] [bold red]x[/] [link=https://evil.example]y[/link] [on red]",
    # size
    "a line of a megabyte": "A" * 1_000_000,
    "a hundred thousand lines": "\n".join(itertools.islice(map("line {}".format, itertools.count()), 100_000)),
    "a hundred thousand empty lines": "\n" * 100_000 + "end",
}
