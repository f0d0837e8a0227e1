"""The accounts' file of a daemon under test, and the files it names."""

import os

PAGES = "https://id.example"


def secret_file(folder, name, text):
    path = os.path.join(folder, name)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
                           0o600), "w") as out:
        out.write(text + "\n")
    return path


def section(folder, name, standin, **settings):
    """One account, whose API is this stand-in."""
    account = standin.account
    lines = {
        "app_id": account.app_id,
        "app_secret_file": secret_file(folder, name + ".secret",
                                       account.secret),
        "token_file": secret_file(folder, name + ".token", account.token),
        "aes_key_file": secret_file(folder, name + ".key", account.aes_key),
        "api_base": standin.base,
        **settings}
    return "[wechat.%s]\n%s\n" % (name, "\n".join(
        "%s = %s" % line for line in lines.items() if line[1] is not None))


def accounts_file(folder, *sections):
    path = os.path.join(folder, "wechat.conf")
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(sections))
    return path
