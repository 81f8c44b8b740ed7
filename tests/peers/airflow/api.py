"""A small client for the REST API of Airflow 2 (v1, basic authentication) and 3 (v2, token)."""

import base64
import json
import urllib.error
import urllib.request
from urllib.parse import quote


class ApiError(Exception):
    """An answer that is not 2xx: `status` and the body's text."""

    def __init__(self, status, text, path):
        super().__init__(f"{status} for {path}: {text[:300]}")
        self.status, self.text = status, text


class Api:
    def __init__(self, url, version, user, password):
        self.url, self.version, self.user, self.password = url, version, user, password
        self.authorization = None

    def health(self):
        return self.get("/health" if self.version == "v1" else "/monitor/health", authenticated=False)

    def get(self, path, authenticated=True):
        return self.call("GET", path, authenticated=authenticated)

    def call(self, method, path, body=None, authenticated=True):
        """The decoded JSON answer, None for an empty one; `path` begins after /api/vN."""
        status, _, content = self.raw(method, path, body, authenticated=authenticated)
        if not 200 <= status < 300:
            raise ApiError(status, content.decode(errors="replace"), f"{method} {path}")
        return json.loads(content) if content else None

    def raw(self, method, path, body=None, headers=None, authenticated=True):
        """Status, headers and body of whatever was answered."""
        headers = {"Accept": "application/json", **(headers or {})}
        if authenticated:
            headers.setdefault("Authorization", self.credentials())
        return send(method, f"{self.url}/api/{self.version}{path}", body, headers)

    def credentials(self):
        if self.version == "v1":
            return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if not self.authorization:
            body = {"username": self.user, "password": self.password}
            status, _, content = send("POST", f"{self.url}/auth/token", body, {})
            if status != 201:
                raise ApiError(status, content.decode(errors="replace"), "POST /auth/token")
            self.authorization = "Bearer " + json.loads(content)["access_token"]
        return self.authorization


def send(method, url, body, headers):
    data = None if body is None else json.dumps(body).encode()
    if data is not None:
        headers = {**headers, "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def part(text):
    """One path segment, escaped: run ids hold '+' and ':'."""
    return quote(text, safe="")
