"""A certificate of localhost for itself."""

import subprocess
from pathlib import Path


def make(openssl: str, folder: Path) -> tuple[Path, Path]:
    """The certificate and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    subprocess.run([openssl, *words.split(), "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return cert, key
