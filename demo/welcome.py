"""What `make run` prints when the demo is loaded."""

from certification.credentials.queries import first_of_each_kind
from demo.cast import LOGINS, PASSWORD
from portal import clock
from portal.db import Sessions, transaction
from portal.settings import settings


def welcome(sessions: Sessions) -> str:
    """Address, logins, one example credential of each kind."""
    with transaction(sessions, read_only=True) as session:
        examples = first_of_each_kind(session, clock.now())
    base = settings().base_url
    lines = ["", f"域桥 Yuqiao  {base}", "", f"演示登录 demo logins (密码 password: {PASSWORD})"]
    lines += [f"  {address:<26}{whom}" for address, whom in LOGINS]
    lines += ["  平台账号的第二步验证码显示在登录页上 staff: the second step shows the code in this demo"]
    lines += ["", "示例证书 example credentials"]
    lines += [
        f"  {'个人 person' if c.holder == 'person' else '机构 organisation':<16}{base}/credentials/{c.uuid}"
        for c in examples
    ]
    lines += ["", f"演示邮箱 mails without a server: {base}/outbox", "Ctrl-C 停止 to stop", ""]
    return "\n".join(lines)
