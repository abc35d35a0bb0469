"""What a domain says about an organisation, and how one is proved."""

import re
from datetime import datetime, timedelta
from enum import StrEnum

from portal.refusal import mark

# They say nothing about the organisation: everybody may have a mailbox or a page there.
_MAIL_HOSTS = """qq.com vip.qq.com foxmail.com 163.com vip.163.com 126.com vip.126.com yeah.net 188.com 139.com
189.cn wo.cn sina.com sina.cn vip.sina.com sohu.com 21cn.com tom.com 263.net aliyun.com gmail.com googlemail.com
outlook.com hotmail.com live.com msn.com icloud.com me.com yahoo.com proton.me protonmail.com"""
_PAGE_HOSTS = """weibo.com weixin.qq.com mp.weixin.qq.com xiaohongshu.com zhihu.com bilibili.com douyin.com
taobao.com tmall.com jd.com 1688.com github.io gitee.io"""
PUBLIC_HOSTS = frozenset([*_MAIL_HOSTS.split(), *_PAGE_HOSTS.split()])
RECORD = "_yuqiao"  # the name below the domain that holds the token
MAILBOXES = ("admin", "postmaster")
LINK_LASTS = timedelta(days=2)
TRY_EVERY, TRY_FOR = timedelta(minutes=10), timedelta(days=3)
CHECK_EVERY = timedelta(days=1)
LOST_AFTER = timedelta(days=7)  # of failed checks, one after another
MOST_DOMAINS = 10
TEXT_PREFIX = "yuqiao-verification="

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Method(StrEnum):
    DNS = "dns"
    MAIL = "mail"


class Answer(StrEnum):
    """What the DNS said."""

    THERE = "there"
    MISSING = "missing"
    SILENT = "silent"


def domain_of(address: str) -> str:
    """The domain of a mailbox or a website, without `www.`; "" when there is none."""
    host = address.rpartition("@")[2] if "://" not in address else address.partition("://")[2]
    host = re.split(r"[/:?#]", host.strip().lower())[0].removeprefix("www.").strip(".")
    return host if "." in host else ""


def own_domain(address: str) -> str:
    """As `domain_of`, but "" for a public host: it says nothing about the organisation."""
    domain = domain_of(address)
    return "" if domain in PUBLIC_HOSTS else domain


def belongs(domain: str, to: str) -> bool:
    """The same domain or one below it."""
    return bool(domain and to) and (domain == to or domain.endswith("." + to))


def read_domain(typed: str) -> str:
    """A domain as the DNS writes it; raises ValueError with a catalogue key that says what is wrong."""
    try:
        domain = domain_of(typed).encode("idna").decode()
    except UnicodeError:
        domain = ""
    labels = domain.split(".")
    if (
        len(labels) < 2
        or len(domain) > 253
        or not all(_LABEL.fullmatch(label) for label in labels)
        or labels[-1].isdigit()
    ):
        raise ValueError(mark("Please write a domain, such as example.com."))
    if domain in PUBLIC_HOSTS:
        raise ValueError(mark("This is a public host: it belongs to nobody's organisation alone."))
    return domain


def mailboxes(domain: str, own: str) -> list[str]:
    """Where a proof may be mailed: to those who run the domain, or to the owner's mailbox there."""
    found = [f"{name}@{domain}" for name in MAILBOXES]
    return [own, *found] if domain_of(own) == domain and own not in found else found


def next_check(*, proved: bool, claimed_at: datetime, now: datetime) -> datetime | None:
    """When the DNS is asked again: daily once proved; before that often for three days, then only when told to."""
    if proved:
        return now + CHECK_EVERY
    return now + TRY_EVERY if now + TRY_EVERY < claimed_at + TRY_FOR else None


def is_lost(failed_since: datetime, now: datetime) -> bool:
    """A proof is lost after so many days of failed checks, one after another; silence counts as failing."""
    return now - failed_since >= LOST_AFTER
