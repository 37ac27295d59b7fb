"""Certificates made with the openssl command."""

import pathlib
import subprocess


def openssl(*arguments: str, stdin: str | None = None) -> None:
    subprocess.run(["openssl", *arguments], input=stdin, text=True, check=True, capture_output=True, timeout=60)


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self._folder = folder
        self.certificate = folder / f"{name}.crt"
        self._key = folder / f"{name}.key"
        openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", f"/CN={name}", "-keyout", str(self._key), "-out", str(self.certificate),
        )

    def issue(self, file: str, common_name: str, names: str = "", days: int = 2) -> tuple[pathlib.Path, pathlib.Path]:
        """Certificate and key; `names` such as "IP:127.0.0.1,DNS:localhost". Negative days: it has expired."""
        certificate, key, request = (self._folder / f"{file}.{kind}" for kind in ("crt", "key", "csr"))
        openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", f"/CN={common_name}", "-keyout", str(key), "-out", str(request),
        )
        extensions = self._folder / f"{file}.ext"
        extensions.write_text(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self._key),
            "-CAcreateserial", "-days", str(days), "-extfile", str(extensions), "-out", str(certificate),
        )
        key.chmod(0o600)
        return certificate, key
