"""The commands of the chat, for its help and for Tab."""

COMMANDS = {
    "/compress": True,
    "/save": True,
    "/load": True,
    "/stats": False,
    "/help": False,
    "/exit": False,
}
"""Command → whether the name of a file comes behind it."""

HELP = """\
/compress FILE… [TOKENS]  the next message is about these texts, and they are compressed for it;
                          /compress alone: it is not about them any more
/save FILE, /load FILE    the whole chat, its cache included
/stats                    cache and memory
/exit                     or Ctrl-D
Enter sends, Alt-Enter begins a new line, Tab completes commands and names of files.
Ctrl-C stops a reply; what is typed during one waits for its end."""
