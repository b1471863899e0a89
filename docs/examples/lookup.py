#!/usr/bin/env python3
"""Decides by one MGET whether an access token has been revoked. Standard library only.

    lookup.py [--redis 127.0.0.1:6379/1] [--user my-service] < token

The token's signature and claims must have been verified before; this looks at revocation alone, as
docs/revocation.md tells. Redis' password is taken from REDIS_PASSWORD. Exit status: 0 not revoked, 1 revoked, 2 not
known (answer 503 then).
"""
import argparse
import base64
import json
import os
import socket
import sys


def command(stream, *words):
    """Sends one command to Redis (RESP2) and returns its answer."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(data), data))
    stream.write(b"".join(parts))
    stream.flush()
    return answer(stream)


def answer(stream):
    line = stream.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b"*":
        return [answer(stream) for _ in range(int(rest))]
    if kind == b"$":
        length = int(rest)
        return None if length < 0 else stream.read(length + 2)[:-2].decode()
    if kind in (b"+", b":"):
        return rest.decode()
    raise ConnectionError(line.decode(errors="replace").strip() or "redis has closed the connection")


def part(text):
    """One part of a JWT as an object."""
    value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


def is_revoked(values, claims):
    """values: what MGET has answered for head, session, session_gen, user, token, client, key."""
    head, session, session_gen, user, token, client, key = values
    if head is None:
        raise LookupError("no relay has spoken for two seconds")
    if int(head.split("-")[0]) > claims["ep"] or token is not None or key is not None:
        return True
    if "sid" not in claims:
        return client is not None and int(client) > claims["ver"]
    return (
        session is not None
        or (session_gen is not None and int(session_gen) > claims["gen"])
        or (user is not None and int(user) > claims["ver"])
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--redis", default="127.0.0.1:6379/1", help="host:port/database")
    parser.add_argument("--user", default="default", help="of Redis, if REDIS_PASSWORD is set")
    arguments = parser.parse_args()
    address, _, database = arguments.redis.partition("/")
    # Not an argument, since those are seen by every user of the machine.
    password = os.environ.get("REDIS_PASSWORD")
    host, _, port = address.rpartition(":")
    try:
        header, payload, _ = sys.stdin.read().strip().split(".")
        kid, claims = part(header)["kid"], part(payload)
        keys = [
            "head",
            f"session:{claims.get('sid', '')}",
            f"session_gen:{claims.get('sid', '')}",
            f"user:{claims['sub']}",
            f"token:{claims['jti']}",
            f"client:{claims['client_id']}",
            f"key:{kid}",
        ]
    except (ValueError, KeyError):
        print("not known: not a token")
        return 2
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            stream = connection.makefile("rwb")
            if password:
                command(stream, "AUTH", arguments.user, password)
            command(stream, "SELECT", database or "1")
            values = command(stream, "MGET", *("{revocations}:" + key for key in keys))
        revoked = is_revoked(values, claims)
    except (OSError, LookupError, ValueError) as error:
        print(f"not known: {error}")
        return 2
    print("revoked" if revoked else "not revoked")
    return 1 if revoked else 0


if __name__ == "__main__":
    sys.exit(main())
