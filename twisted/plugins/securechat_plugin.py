"""Makes ``twistd securechat`` known to Twisted."""

from twisted.application.service import ServiceMaker

securechat = ServiceMaker(
    "securechat",
    "chat.server.maker",
    "A private chat network: IRC over mutual TLS, with accounts and durable history.",
    "securechat",
)
