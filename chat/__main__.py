"""``python -m chat`` is the program ``securechat``."""

from chat.cli.main import main

main()
