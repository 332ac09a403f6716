"""The commands of the chat, for its help and for Tab."""

COMMANDS = {
    "/compress": True,
    "/save": True,
    "/load": True,
    "/stats": False,
    "/help": False,
    "/exit": False,
    "/quit": False,
}
"""Command → whether the name of a file comes behind it."""

HELP = """\
/compress FILE… [TOKENS]  the next message is about these texts, compressed
                          for it; without a file: about none any more
/save FILE, /load FILE    the whole chat, its cache included
/stats                    cache and memory
/exit, /quit              or Ctrl-D
Enter sends, Alt-Enter begins a new line, Tab completes commands and files.
Ctrl-C stops a reply; what is typed during one waits for its end."""
